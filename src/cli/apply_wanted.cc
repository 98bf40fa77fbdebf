#include "cli/apply_wanted.h"

#include "cli/document_json.h"
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "model/domain_settings.h"
#include "model/limits.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

constexpr std::size_t kLongestName = 90;  // bytes; the API takes 100 characters, and some room is left

using model::Problem;
using model::Severity;

constexpr std::string_view kOfTheEdge[] = {"listeners", "workers",   "drain_time", "admin",  "access_log",
                                           "log_level", "resolvers", "limits",     "control"};

class Reader {
 public:
  Reader(const model::Document& document, const model::FileReader& files) : document_(document), files_(files) {}

  std::expected<Wanted, std::vector<Problem>> read() {
    for (const auto& entry : document_.root.entries()) {
      if (entry.key == "domains" || entry.key == "layer7_configs" || entry.key.starts_with("x-")) continue;
      if (std::ranges::find(kOfTheEdge, entry.key) != std::end(kOfTheEdge)) {
        out_.passed_over.push_back(entry.key);
      } else {
        error(entry.key_mark, "", "unknown-key", fmt::format("unknown key \"{}\"", model::shown(entry.key)),
              "domains and layer7_configs are applied");
      }
    }
    read_configs();
    read_domains();
    model::sort_problems(problems_);
    if (model::has_errors(problems_)) return std::unexpected(std::move(problems_));
    out_.warnings = std::move(problems_);
    return std::move(out_);
  }

 private:
  void error(model::Mark mark, std::string pointer, std::string code, std::string message, std::string hint = {}) {
    Problem problem;
    problem.code = std::move(code);
    problem.pointer = std::move(pointer);
    problem.location = {document_.file, mark.line, mark.column};
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problems_.push_back(std::move(problem));
  }

  // Problems of a part that was read as JSON, at the places of the document.
  void take(std::vector<Problem> problems, const model::Node& part, const std::string& pointer) {
    for (Problem& problem : problems) {
      const model::Mark mark = node_at(part, problem.pointer).mark;
      problem.location = {document_.file, mark.line, mark.column};
      problem.pointer = pointer + problem.pointer;
      problems_.push_back(std::move(problem));
    }
  }

  void add_layer7(std::string name, Json settings, const model::Node& part, const std::string& pointer) {
    auto reading = model::read_layer7_json(settings.dump(), kRules);
    take(std::move(reading.problems), part, pointer);
    layer7_[name] = out_.layer7.size();
    out_.layer7.push_back({std::move(name), std::move(settings)});
  }

  void read_configs() {
    const model::Node* configs = document_.root.find("layer7_configs");
    if (configs == nullptr) return;
    for (const auto& entry : configs->entries()) {
      add_layer7(entry.key, to_json(entry.value), entry.value, "/layer7_configs/" + entry.key);
    }
  }

  void read_domains() {
    const model::Node* domains = document_.root.find("domains");
    if (domains == nullptr) return;
    if (domains->kind != model::NodeKind::sequence) {
      error(domains->mark, "/domains", "wrong-type", "\"domains\" is a list");
      return;
    }
    std::map<std::string, std::uint32_t> lines;
    for (std::size_t i = 0; i < domains->items().size(); ++i) {
      const model::Node& item = domains->items()[i];
      const std::string pointer = fmt::format("/domains/{}", i);
      const model::Node* name = item.find("name");
      if (name == nullptr) {
        error(item.mark, pointer, "missing-key", "the domain has no \"name\"", "for example: name: live.example.com");
        continue;
      }
      auto canonical = model::canonical_domain_name(name->text);
      if (!canonical) {
        take({canonical.error()}, *name, pointer + "/name");
        continue;
      }
      if (const auto [known, fresh] = lines.emplace(*canonical, name->mark.line); !fresh) {
        error(name->mark, pointer + "/name", "duplicate-domain",
              fmt::format("\"{}\" stands here a second time", *canonical),
              fmt::format("the first is in line {}", known->second));
        continue;
      }
      read_domain(item, pointer, std::move(*canonical));
    }
  }

  void read_domain(const model::Node& item, const std::string& pointer, std::string name) {
    WantedDomain domain;
    domain.name = std::move(name);
    domain.settings = Json::object();
    for (const auto& entry : item.entries()) {
      if (entry.key == "certificates") {
        read_certificates(entry.value, pointer + "/certificates", domain);
      } else if (entry.key == "layer7") {
        read_layer7(entry.value, pointer + "/layer7", domain);
      } else if (entry.key != "name") {
        domain.settings[entry.key] = to_json(entry.value);
      }
    }
    if (const model::Node* tls = item.find("origin_tls"); tls != nullptr && tls->find("ca_file") != nullptr) {
      const model::Node& file = *tls->find("ca_file");
      if (const auto pem = read_pem(file, pointer + "/origin_tls/ca_file"))
        domain.settings["origin_tls"]["ca_file"] = *pem;
    }
    // How edges are reached is not known here, so what "follow" would need is the server's to say.
    auto reading = model::read_domain_settings(domain.settings.dump(), domain.name, nullptr, std::nullopt, kRules);
    take(std::move(reading.problems), item, pointer);
    out_.domains.push_back(std::move(domain));
  }

  std::optional<std::string> read_pem(const model::Node& node, const std::string& pointer) {
    if (node.text.starts_with("-----BEGIN")) return node.text;
    const std::string path = model::resolve_path(document_.file, node.text);
    auto text = files_(path);
    if (text && text->size() <= model::limits::kMaxReferencedFileBytes) return *text;
    error(node.mark, pointer, "unreadable-file",
          fmt::format("the file \"{}\" cannot be read: {}", model::shown(path),
                      text ? "it is too large" : text.error().context),
          path == node.text ? "" : "paths are relative to the file");
    return std::nullopt;
  }

  void read_certificates(const model::Node& list, const std::string& pointer, WantedDomain& domain) {
    for (std::size_t i = 0; i < list.items().size(); ++i) {
      const model::Node* chain = list.items()[i].find("chain");
      const model::Node* key = list.items()[i].find("key");
      const std::string at = fmt::format("{}/{}", pointer, i);
      if (chain == nullptr || key == nullptr) {
        error(list.items()[i].mark, at, "missing-key", "a certificate has a \"chain\" and a \"key\"");
        continue;
      }
      const auto chain_pem = read_pem(*chain, at + "/chain");
      const auto key_pem = read_pem(*key, at + "/key");
      if (!chain_pem || !key_pem) continue;
      domain.certificates.push_back(certificate_name(*chain, *chain_pem, *key_pem, domain.name, i));
    }
  }

  // Like the file of the chain; two files of one name in two folders are told apart by their folders: the last one's
  // name, then the whole path, or as much of its end as a name may have.
  std::string certificate_name(const model::Node& chain, const std::string& chain_pem, const std::string& key_pem,
                               const std::string& domain, std::size_t index) {
    const std::filesystem::path path(chain.text);
    const bool inline_pem = chain.text.starts_with("-----BEGIN");
    std::string name = inline_pem ? fmt::format("{}-{}", domain, index + 1) : path.stem().string();
    for (int round = 0;; ++round) {
      const auto known = certificates_.find(name);
      if (known == certificates_.end()) break;
      const WantedCertificate& other = out_.certificates[known->second];
      if (other.chain == chain_pem && other.key == key_pem) return name;
      if (round <= 1 && !inline_pem) {
        name = ((round == 0 ? path.parent_path().filename() : path.parent_path()) / path.stem()).string();
        if (name.size() > kLongestName) name.erase(0, name.size() - kLongestName);
        std::ranges::replace(name, '/', '-');
        while (name.starts_with('-')) name.erase(0, 1);
      } else {
        name += "+";
      }
    }
    certificates_[name] = out_.certificates.size();
    out_.certificates.push_back({name, chain_pem, key_pem});
    return name;
  }

  // A name, a map, or a map with `use: NAME` and what differs.
  void read_layer7(const model::Node& node, const std::string& pointer, WantedDomain& domain) {
    if (node.kind != model::NodeKind::map) {
      if (!layer7_.contains(node.text)) {
        error(node.mark, pointer, "unknown-config",
              fmt::format("there is no \"{}\" among layer7_configs", model::shown(node.text)));
      }
      domain.layer7 = node.text;
      return;
    }
    Json settings = Json::object();
    Json own = to_json(node);
    if (const model::Node* use = node.find("use")) {
      const auto base = layer7_.find(use->text);
      if (base == layer7_.end()) {
        error(use->mark, pointer + "/use", "unknown-config",
              fmt::format("there is no \"{}\" among layer7_configs", model::shown(use->text)));
        return;
      }
      settings = out_.layer7[base->second].settings;
      own.erase("use");
    }
    if (layer7_.contains(domain.name)) {
      error(node.mark, pointer, "duplicate-name",
            fmt::format("these settings would be called \"{}\", as one of layer7_configs is", domain.name));
      return;
    }
    for (const auto& [key, value] : own.items()) settings[key] = value;
    domain.layer7 = domain.name;
    add_layer7(domain.name, std::move(settings), node, pointer);
  }

  static constexpr model::SettingsRules kRules{.customer_ranges = false, .schemes = {}};

  const model::Document& document_;
  const model::FileReader& files_;
  Wanted out_;
  std::vector<Problem> problems_;
  std::map<std::string, std::size_t> layer7_;
  std::map<std::string, std::size_t> certificates_;
};

}  // namespace

std::expected<Wanted, std::vector<Problem>> read_wanted(std::string_view text, const std::string& file,
                                                        const model::FileReader& files) {
  const auto document = model::parse_yaml(text, file);
  if (!document) return std::unexpected(document.error());
  return Reader(*document, files).read();
}

}  // namespace fairlead::cli
