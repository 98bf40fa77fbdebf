#pragma once
// Api: the REST API as one function from request to answer, over the contract. What is the same for every operation is
// done here once: finding the route, the limit on requests by address, who calls and whether they may, parameters and
// body against their schemas, If-Match, and every failure as a problem document (RFC 9457). Never throws; any thread.

#include <functional>
#include <memory>
#include <optional>

#include "control/api/contract.h"
#include "control/api/http.h"
#include "control/api/operation.h"

namespace fairlead::control {

class Api {
 public:
  struct Parts {
    Contract contract;
    Operations operations;
    std::function<Outcome<Caller>(const ApiRequest&)> caller_of;
    // Seconds until this address may ask again; none: it may. By the address alone, before anything else is looked at.
    std::function<std::optional<int>(const std::string& address)> over_limit;
  };
  static constexpr std::size_t kMaxBody = 4u << 20;

  // internal, with their names, when the contract has operations that nobody does, or the other way round.
  static base::Result<std::shared_ptr<const Api>> make(Parts parts);

  ApiResponse handle(const ApiRequest& request) const;

 private:
  explicit Api(Parts parts) : parts_(std::move(parts)) {}
  Outcome<Reply> serve(const ApiRequest& request) const;

  const Parts parts_;
};

// A problem document of `failure`, as every error of the API looks.
ApiResponse problem_response(const Failure& failure);

}  // namespace fairlead::control
