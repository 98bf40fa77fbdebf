#include "control/failure.h"

#include <fmt/format.h>

#include "base/log.h"

namespace fairlead::control {

std::unexpected<Failure> refuse(int status, std::string_view code, std::string detail, std::vector<Detail> errors) {
  Failure failure;
  failure.status = status;
  failure.code = code;
  failure.detail = std::move(detail);
  failure.errors = std::move(errors);
  return std::unexpected(std::move(failure));
}

std::unexpected<Failure> not_found(std::string_view what) {
  return refuse(404, "not_found", fmt::format("there is no such {}", what));
}

std::unexpected<Failure> invalid(std::vector<Detail> errors) {
  std::string detail = errors.size() == 1 ? errors.front().message : fmt::format("{} things are wrong", errors.size());
  return refuse(422, "invalid", std::move(detail), std::move(errors));
}

std::unexpected<Failure> invalid(std::string pointer, std::string code, std::string message, std::string hint) {
  return invalid({Detail{std::move(pointer), std::move(code), std::move(message), std::move(hint)}});
}

Failure from_store(const base::Error& error) {
  Failure f;
  f.detail = error.context;
  const std::string_view context = error.context;
  switch (error.code) {
    case base::Code::conflict:
      f.status = 409;
      if (context.starts_with("revision:")) {
        f.status = 412;
        f.code = "revision_conflict";
        f.detail = "somebody else has changed it since it was read; read it again";
      } else if (context.starts_with("unique:")) {
        f.code = "name_taken";
        f.detail = "that name is taken";
      } else {
        f.code = "in_use";
      }
      return f;
    case base::Code::not_found:
      f.status = 404;
      f.code = "not_found";
      f.detail = "there is no such thing";
      return f;
    case base::Code::malformed:
    case base::Code::too_large:
      f.status = 422;
      f.code = "invalid";
      return f;
    case base::Code::unreachable:
    case base::Code::overloaded:
    case base::Code::resources:
      f.status = 503;
      f.code = "store_unavailable";
      f.detail = "the database cannot be reached at the moment; nothing was changed";
      f.retry_after_s = 1;
      break;
    case base::Code::reset:
      f.status = 503;
      f.code = "outcome_unknown";
      f.detail = "the database went away while it committed: look whether the change was made before trying again";
      f.retry_after_s = 1;
      break;
    default:
      f.status = 500;
      f.code = "internal_error";
      f.detail = "";
      break;
  }
  base::log_error("store: {}", base::describe(error));
  return f;
}

namespace {

std::vector<Detail> of_severity(const std::vector<model::Problem>& problems, model::Severity severity) {
  std::vector<Detail> out;
  for (const model::Problem& p : problems) {
    if (p.severity == severity) out.push_back({p.pointer, p.code, p.message, p.hint});
  }
  return out;
}

}  // namespace

std::vector<Detail> errors_of(const std::vector<model::Problem>& problems) {
  return of_severity(problems, model::Severity::error);
}

std::vector<Detail> warnings_of(const std::vector<model::Problem>& problems) {
  return of_severity(problems, model::Severity::warning);
}

}  // namespace fairlead::control
