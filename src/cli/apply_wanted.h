#pragma once
// What a file for `fairlead apply` asks for: domains, layer-7 configurations and certificates of one account, in the
// schema of the edge's file (docs/configuration.md). What belongs to an edge (listeners, workers, admin, ...) is passed
// over and named. Certificates, which have no names in a file, are called like their chain's file; a layer-7 map inside
// a domain becomes a configuration that is called like the domain. Everything is checked before anything is asked of a
// server.

#include "cli/api_client.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "model/file_reader.h"
#include "model/problem.h"

namespace fairlead::cli {

struct WantedLayer7 {
  std::string name;
  Json settings;
};

struct WantedCertificate {
  std::string name;
  std::string chain, key;  // PEM
};

struct WantedDomain {
  std::string name;                       // as the API has it
  Json settings;                          // with the CA's PEM in place of ca_file
  std::string layer7;                     // name; empty: none
  std::vector<std::string> certificates;  // names
};

struct Wanted {
  std::vector<WantedLayer7> layer7;
  std::vector<WantedCertificate> certificates;
  std::vector<WantedDomain> domains;
  std::vector<std::string> passed_over;  // keys of the file
  std::vector<model::Problem> warnings;
};

// All errors at once, with their places. Files that it names are read through `files`, from the folder of `file`.
std::expected<Wanted, std::vector<model::Problem>> read_wanted(std::string_view text, const std::string& file,
                                                               const model::FileReader& files);

}  // namespace fairlead::cli
