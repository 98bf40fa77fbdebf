#pragma once
// Failure: why the control plane did not do what was asked, as the API says it (RFC 9457) and the command line prints
// it: one status and code for the whole, and every single thing that was wrong with what was sent, each with its place
// in it. Services return Outcome<T>; nothing throws.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/problem.h"

namespace fairlead::control {

// One thing that is wrong with a field, or one gate that is not met (R16).
struct Detail {
  std::string pointer;  // RFC 6901, into the request's body; "" for the whole, "?name" for a query parameter
  std::string code;     // stable: "out-of-range", "unknown-key", "domain_ownership"
  std::string message;  // a sentence without a full stop
  std::string hint;     // what would be right, or what to do; may be empty
  bool operator==(const Detail&) const = default;
};

struct Failure {
  int status = 500;
  std::string code;  // stable: "invalid", "not_found", "revision_conflict", "name_taken", "gates_unmet"; each is in the
                     // contract (api/openapi.yaml, components/schemas/Problem)
  std::string detail;  // for a person
  std::vector<Detail> errors;
  int retry_after_s = 0;  // > 0: Retry-After
};

template <class T>
using Outcome = std::expected<T, Failure>;

// std::unexpected(Failure{...}) in fewer words.
std::unexpected<Failure> refuse(int status, std::string_view code, std::string detail, std::vector<Detail> errors = {});

// 404 not_found: the same for what does not exist and for what the caller may not see.
std::unexpected<Failure> not_found(std::string_view what);  // "domain", "certificate"

// 422 invalid, with a Detail for each.
std::unexpected<Failure> invalid(std::vector<Detail> errors);
std::unexpected<Failure> invalid(std::string pointer, std::string code, std::string message, std::string hint = {});

// What the store says, in the API's words: conflict "unique:" -> 409 name_taken, "revision:" -> 412 revision_conflict,
// "bound:" -> 409 in_use, "foreign key:" -> 409 in_use, not_found -> 404, malformed and too_large -> 422,
// overloaded and unreachable -> 503 with Retry-After, reset -> 503 outcome_unknown, else 500 internal_error (logged).
Failure from_store(const base::Error& error);

// The errors among the problems of a document, and its warnings, as Details.
std::vector<Detail> errors_of(const std::vector<model::Problem>& problems);
std::vector<Detail> warnings_of(const std::vector<model::Problem>& problems);

}  // namespace fairlead::control
