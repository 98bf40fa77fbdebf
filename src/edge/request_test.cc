#include "edge/request.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Error;
using base::Side;

TEST(RequestOutcome, SaysWhyAnOriginFailed) {
  RequestOutcome outcome;
  outcome.origin_failed(Error(Code::refused, Side::origin, "connect to 10.0.0.1:80"));
  EXPECT_EQ(outcome.origin_error, "origin: refused: connect to 10.0.0.1:80");
  outcome.origin_failed(Error(Code::resources, Side::edge));  // the edge could not ask
  EXPECT_EQ(outcome.origin_error, "edge: resources");
}

TEST(RequestOutcome, AClientsFaultIsNoneOfTheOrigins) {
  RequestOutcome outcome;
  outcome.origin_failed(Error(Code::malformed, Side::client, "a field cannot be passed on"));
  EXPECT_EQ(outcome.origin_error, "");
}

// The exchange was called off: the client left, or the edge is stopping.
TEST(RequestOutcome, ACancelledExchangeIsNoFailureOfTheOrigins) {
  RequestOutcome outcome;
  outcome.origin_failed(Error(Code::cancelled, Side::origin, "body: Operation canceled"));
  EXPECT_EQ(outcome.origin_error, "");
}

}  // namespace
}  // namespace fairlead::edge
