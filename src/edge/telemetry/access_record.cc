// The JSON line of an AccessRecord.

#include "base/clock.h"
#include "base/utc_text.h"
#include "edge/telemetry/access_log.h"
#include "edge/telemetry/json_line.h"

namespace fairlead::edge {

void append_json(std::string& out, const AccessRecord& r) {
  JsonLine line(out);
  const auto time = base::utc_ms_text(base::wall_clock_ms());
  line.text<"time">({time.data(), time.size()});
  line.text<"domain">(r.domain);
  line.text<"client">(r.client);
  line.number<"client_port">(r.client_port);
  line.text<"protocol">(r.protocol);
  line.text<"tls">(r.tls);
  line.text<"method">(r.method);
  line.text<"target">(r.target);
  line.number<"status">(r.status);
  line.text<"origin">(r.origin);
  line.number<"origin_status">(r.origin_status);
  line.number<"opened_ms">(r.opened_ms);
  line.number<"duration_ms">(r.duration_ms);
  line.number<"bytes_in">(r.bytes_in);
  line.number<"bytes_out">(r.bytes_out);
  if (r.session) {
    line.number<"frames_in">(r.frames_in);
    line.number<"frames_out">(r.frames_out);
    line.number<"messages_in">(r.messages_in);
    line.number<"messages_out">(r.messages_out);
  }
  if (r.session || !r.close_by.empty()) line.text<"close_by">(r.close_by);
  if (r.session || !r.close_cause.empty()) line.text<"close_cause">(r.close_cause);
  if (r.session) {
    line.number<"close_code">(r.close_code);
  }
  line.text<"region">(r.region);
  line.text<"isp">(r.isp);
  if (r.session) line.text<"session">(r.session_id);
  if (!r.error.empty()) line.text<"error">(r.error);
  if (!r.origin_error.empty()) line.text<"origin_error">(r.origin_error);
  if (r.stream != 0) line.number<"stream">(r.stream);
  line.end();
}

}  // namespace fairlead::edge
