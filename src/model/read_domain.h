#pragma once
// One domain of a document: Field in, DomainPolicy out. The schema of a domain stands here once, for the edge's YAML
// file and for whatever else will carry domains; only the surroundings differ and come in as a DomainContext. Keys,
// ranges and rules are in docs/configuration.md. Problems go into the Field's Reading.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "model/config_file.h"
#include "model/domain_policy.h"
#include "model/schema_reader.h"

namespace fairlead::model {

// Files a document refers to, each read once however many domains name it, and bounded
// (limits::kMaxReferencedFileBytes). Relative paths start from the document's own folder.
class ReferencedFiles {
 public:
  ReferencedFiles(std::string config_file, const FileReader& reader)
      : config_file_(std::move(config_file)), reader_(&reader) {}
  // For texts that came over a network: no file is ever read, and who names one is told.
  ReferencedFiles() = default;

  // The text of the PEM that `field` names: a path, or the PEM itself when it begins with "-----BEGIN". nullopt after
  // telling at the field what is wrong.
  std::optional<std::string> pem(const Field& field);
  // The secret (a password, a key) that stands in the file that `field` names, without its line end. One line, not
  // empty; never written in the document itself.
  std::optional<std::string> secret(const Field& field);

 private:
  // Reads the file once; nullptr after telling.
  const std::string* contents(const Field& field, const std::string& path);

  std::string config_file_;
  const FileReader* reader_ = nullptr;
  std::map<std::string, base::Result<std::string>> read_;
  std::size_t given_ = 0;  // bytes handed out, against limits::kMaxReferencedBytes
};

// By which schemes clients can reach the node: what `origin_scheme: follow` has to be able to follow.
struct ClientSchemes {
  bool plain = true;  // an http listener
  bool tls = true;    // an https or tcp-ssl listener
};

struct DomainContext {
  ReferencedFiles& files;
  const CertificateChecker& certificates;
  ClientSchemes schemes;
  const std::map<std::string, Layer7, std::less<>>& layer7_configs;
  std::optional<bool> websocket_default{};  // in place of the rule of R2, for domains that do not say
  bool has_id = false;                      // the document may have the key `id`, which people do not write
};

struct DomainReading {
  DomainPolicy policy;
  Place name_place;  // of the name, or of the domain when it has none
};

// Always gives a policy, with defaults where a problem was told; whether it may be used is for has_errors to say.
DomainReading read_domain(const Field& field, DomainContext& context);

// What a domain's document says but for its name, its certificates and its layer-7 settings: the part that the
// control plane keeps as a text (domain_settings.h).
void read_domain_body(MapReader& domain, DomainPolicy& policy, DomainContext& context);

// A domain's name as documents write it: a host name, an IP address, ".example.com" or "*.example.com" (both mean every
// name below, any depth). The stored form (lower case, leading dot), or nullopt after telling at `field`.
std::optional<std::string> read_domain_name(const Field& field);

// Layer-7 settings on their own (R14: named, reusable, bound to many domains). Outside the range that customers are
// given a value is refused or, for operators, only told.
enum class CustomerRanges : std::uint8_t { warn, refuse };
void read_layer7_settings(const Field& field, Layer7& out, CustomerRanges ranges = CustomerRanges::warn);

}  // namespace fairlead::model
