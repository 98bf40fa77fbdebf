// Verbs: certificates and layer-7 configurations.

#include "cli/object_verbs.h"
#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

// A verb on one thing of an account's.
CLI::App* on_owned(Verbs& verbs, CLI::App* parent, const std::string& name, const std::string& what,
                   const std::string& kind, const OptionsPtr& o, Verbs::Act act) {
  CLI::App* const out = verbs.verb(parent, name, what, o, std::move(act));
  verbs.completes(out->add_option("name", o->name, "Its name or id"), kind)->required();
  verbs.for_account(out, o);
  return out;
}

void add_certificates(Verbs& verbs) {
  CLI::App* certificate = verbs.group("certificate", "Certificates");
  auto o = new_options();
  verbs.for_account(verbs.verb(certificate, "list", "Certificates, by name", o,
                               [](Desk& desk, Options& x) { return cli::certificate_list(desk, x.account); }),
                    o);
  on_owned(verbs, certificate, "show", "One certificate: for which names, and until when", "certificate", new_options(),
           [](Desk& desk, Options& x) { return cli::certificate_show(desk, x.name, x.account); });
  o = new_options();
  CLI::App* upload =
      verbs.verb(certificate, "upload", "Upload one, or replace the one of that name", o, [](Desk& desk, Options& x) {
        return cli::certificate_upload(desk, x.name, x.chain_file, x.key_file, x.account);
      });
  verbs.completes(upload->add_option("name", o->name, "Its name"), "certificate")->required();
  verbs.completes(upload->add_option("--chain", o->chain_file, "File with the chain, PEM"), "file")->required();
  verbs.completes(upload->add_option("--key", o->key_file, "File with the private key, PEM"), "file")->required();
  verbs.for_account(upload, o);
  on_owned(verbs, certificate, "delete", "Delete one that no domain is bound to", "certificate", new_options(),
           [](Desk& desk, Options& x) { return cli::certificate_delete(desk, x.name, x.account); });
}

void add_layer7(Verbs& verbs) {
  CLI::App* layer7 = verbs.group("layer7", "Layer-7 configurations");
  auto o = new_options();
  verbs.for_account(verbs.verb(layer7, "list", "Layer-7 configurations, by name", o,
                               [](Desk& desk, Options& x) { return cli::layer7_list(desk, x.account); }),
                    o);
  on_owned(verbs, layer7, "show", "One of them", "layer7", new_options(),
           [](Desk& desk, Options& x) { return cli::layer7_show(desk, x.name, x.account); });
  o = new_options();
  CLI::App* set = verbs.verb(layer7, "set", "Make one, or replace it for all its domains at once", o,
                             [](Desk& desk, Options& x) { return cli::layer7_set(desk, x.name, x.file, x.account); });
  verbs.completes(set->add_option("name", o->name, "Its name"), "layer7")->required();
  verbs
      .completes(set->add_option("--file,-f", o->file, "File with settings (YAML or JSON); - for standard input"),
                 "file")
      ->required();
  verbs.for_account(set, o);
  on_owned(verbs, layer7, "delete", "Delete one that no domain is bound to", "layer7", new_options(),
           [](Desk& desk, Options& x) { return cli::layer7_delete(desk, x.name, x.account); });
}

}  // namespace

void add_object_verbs(Verbs& verbs) {
  add_certificates(verbs);
  add_layer7(verbs);
}

}  // namespace fairlead::app
