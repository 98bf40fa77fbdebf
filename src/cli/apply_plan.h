#pragma once
// The plan of `fairlead apply`: what has to change so that the server has what a file asks for. Pure: it compares what
// is wanted with what the server said it has. Settings are compared by what they mean ("60s" is "1m", a default is a
// default), so that applying a file twice changes nothing the second time.

#include "cli/apply_wanted.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairlead::cli {

enum class PlanAction : std::uint8_t { create, change, unchanged, remove, start };
enum class PlanKind : std::uint8_t { layer7, certificate, domain };

struct Difference {
  std::string path;    // "websocket.connection_timeout", "origins.0.weight"
  Json before, after;  // null: not there
};

struct PlanStep {
  PlanAction action = PlanAction::unchanged;
  PlanKind kind = PlanKind::domain;
  std::string name;
  std::vector<Difference> differences;
  std::size_t index = 0;  // into the list of what is wanted, but for `remove`
  std::string id, etag;   // of what the server has
};

// What the server has, by name; values as the API gives them.
struct Present {
  std::map<std::string, Json> layer7, certificates, domains;
};

// In the order in which the steps must be done: what others are bound to comes first, and goes last. `prune`: what the
// file does not have is removed. `start`: the file's domains that are not online are started, last of all.
std::vector<PlanStep> make_plan(const Wanted& wanted, const Present& present, bool prune, bool start);

// Why the plan must not be carried out: it would replace a certificate under a domain that is not to have it. Empty:
// nothing is in the way.
std::string bound_elsewhere(const Wanted& wanted, const Present& present, const std::vector<PlanStep>& plan);

bool changes_anything(const std::vector<PlanStep>& plan);

// For people: a line for each step but the unchanged, its differences below it, and a count.
std::string render_plan(const std::vector<PlanStep>& plan);
// For programs; `done`: how many of the steps that change something were done, in their order.
Json plan_json(const std::vector<PlanStep>& plan, std::size_t done);
// "change domain live.example.com"
std::string describe(const PlanStep& step);

// Leaf by leaf.
std::vector<Difference> differences_of(const Json& before, const Json& after);

}  // namespace fairlead::cli
