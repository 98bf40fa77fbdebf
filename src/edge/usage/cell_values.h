#pragma once
// What a cell has counted, in the terms of usage (model/usage.h).

#include "edge/telemetry/meter_cell.h"
#include "model/usage.h"

namespace fairlead::edge {

// Everything since the cell was made. Any thread: meters that its worker counts at this moment may be in it or not,
// each whole. Meter::session_milliseconds, which nobody counts, is not.
model::UsageValues values_of(const MeterCell& cell);

// `cell`'s key in words.
model::UsageKey usage_key(const MeterKey& key, const Places& places);

}  // namespace fairlead::edge
