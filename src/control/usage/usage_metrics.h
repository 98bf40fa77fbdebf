#pragma once
// The metrics of where usage is kept, as Prometheus text: a part of ControlPlane::metrics(). Pure.

#include <cstdint>
#include <string>

#include "control/usage/ingestion.h"
#include "control/usage/keeper.h"

namespace fairlead::control {

std::string usage_metrics(const UsageIngestion::Counters& taken, const UsageKeeper::Status& kept, std::int64_t now_ms);

}  // namespace fairlead::control
