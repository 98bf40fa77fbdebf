#include "protocol/http1/serialize.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

namespace fairlead::protocol {
namespace {

bool is_target(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_writable(const Fields& fields) {
  return std::all_of(fields.begin(), fields.end(),
                     [](const Field& f) { return is_token(f.name) && is_field_value(f.value); });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

void append_fields(std::string& out, const Fields& fields) {
  for (const Field& f : fields) append_field(out, f.name, f.value);
  out += "\r\n";
}

}  // namespace

bool append_request_head(std::string& out, const RequestHead& head) {
  if (!is_token(head.method) || !is_target(head.target) || !is_writable(head.fields)) return false;
  const bool add_host = !head.authority.empty() && !head.fields.contains("host");
  if (add_host && !is_target(head.authority)) return false;
  out.reserve(out.size() + head.method.size() + head.target.size() + head.authority.size() + head.fields.bytes() + 32);
  out += head.method;
  out += ' ';
  out += head.target;
  out += " HTTP/1.1\r\n";
  if (add_host) append_field(out, "Host", head.authority);
  append_fields(out, head.fields);
  return true;
}

bool append_response_head(std::string& out, const ResponseHead& head) {
  if (head.status < 100 || head.status > 999 || !is_field_value(head.reason) || !is_writable(head.fields)) return false;
  out.reserve(out.size() + head.reason.size() + head.fields.bytes() + 32);
  out += "HTTP/1.1 ";
  out += std::to_string(head.status);
  out += ' ';
  out += head.reason;
  out += "\r\n";
  append_fields(out, head.fields);
  return true;
}

void append_chunk_header(std::string& out, std::size_t size) {
  assert(size > 0 && "a chunk of size 0 ends the body");
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  out.append(digits.data(), end);
  out += "\r\n";
}

bool append_last_chunk(std::string& out, const Fields& trailers) {
  if (!is_writable(trailers)) return false;
  out += "0\r\n";
  append_fields(out, trailers);
  return true;
}

}  // namespace fairlead::protocol
