#pragma once
// Contract: api/openapi.yaml (OpenAPI 3.1) as the program obeys it. Routes, who may call them, parameters and the
// schemas of bodies are read from that file, which is compiled in, so that what is documented is what is done.
// Immutable, any thread.
//
// Of JSON Schema (2020-12) requests use: type (one or several), properties, required, additionalProperties: false,
// items, maxItems, enum, minLength, maxLength (characters), pattern, minimum, maximum, and $ref to components/schemas.
// Another keyword in the schema of a request is an error of the contract. `x-checked-by` says that a service checks the
// inside more deeply and with better words: here only the type is looked at.

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/failure.h"

namespace fairlead::control {

// The text of api/openapi.yaml.
std::string_view contract_text();

struct Schema;  // contract.cc
using SchemaPtr = std::shared_ptr<const Schema>;

struct Parameter {
  enum class In : std::uint8_t { path, query, header };
  std::string name;  // a header's in lower case
  In in = In::query;
  bool required = false;
  SchemaPtr schema;
};

enum class Access : std::uint8_t { everybody, user, staff, operator_ };

struct Route {
  std::string method;                 // "GET"
  std::vector<std::string> segments;  // of the path: "v1", "domains", "{domain}"
  std::string operation_id;
  Access access = Access::user;
  bool read_only = false;  // x-read-only: changes nothing that an auditor could not
  std::vector<Parameter> parameters;
  SchemaPtr body;  // null: takes none
  bool body_required = false;
  // Bytes: x-max-body, or 16 KiB where anybody may ask and 512 KiB elsewhere. What is parsed takes many times as much.
  std::size_t max_body = 0;
};

class Contract {
 public:
  // Errors (config side): malformed, with the place and what is wrong with the contract.
  static base::Result<Contract> parse(std::string_view yaml);

  const std::vector<Route>& routes() const { return routes_; }

  struct Match {
    const Route* route = nullptr;                                 // null: no such path, or not by this method
    std::vector<std::pair<std::string, std::string>> parameters;  // of the path, decoded
    std::vector<std::string> methods;                             // that the path has; empty: no such path
  };
  // `path` as on the wire: percent-encoded segments, decoded here; one that does not decode matches nothing, and
  // neither does an empty one.
  Match match(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

// What is wrong with `value`; pointers begin with `at`.
std::vector<Detail> check(const Schema& schema, const nlohmann::ordered_json& value, const std::string& at = {});
// What is wrong with the text of a parameter (integers in decimal, true and false), under the pointer `?name`.
std::vector<Detail> check_text(const Parameter& parameter, std::string_view text);

// Percent-decoding (RFC 3986 2.1); none when an escape is broken, or the outcome is not UTF-8 or has control
// characters.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace fairlead::control
