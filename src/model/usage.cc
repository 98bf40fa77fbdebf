#include "model/usage.h"

#include <algorithm>
#include <tuple>

#include "base/varint.h"

namespace fairlead::model {
namespace {

using base::append_text;
using base::append_varint;
using base::Code;
using base::Side;
using base::take_text;
using base::take_varint;

// The first bytes of a set: what it is, and the version of its form.
constexpr std::string_view kMagic = "FLU\x01";

// A record begins with a byte of these.
constexpr unsigned kScheme = 1, kProtocolShift = 1, kProtocol = 6, kSameDomain = 8, kFlags = 15;

std::string_view cut(std::string_view text) { return text.substr(0, kMaxUsageText); }

std::uint64_t unsigned_of(std::int64_t n) { return n < 0 ? 0 : static_cast<std::uint64_t>(n); }

std::unexpected<base::Error> broken(std::string_view what) {
  return base::fail(Code::malformed, Side::none, "usage: " + std::string(what));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : in_(bytes) {}

  std::uint64_t number() {
    const auto n = take_varint(in_);
    good_ = good_ && n.has_value();
    return good_ ? *n : 0;
  }
  std::int64_t time() {
    const std::uint64_t n = number();
    good_ = good_ && n <= INT64_MAX;
    return good_ ? static_cast<std::int64_t>(n) : 0;
  }
  std::string text() {
    const auto t = take_text(in_);
    good_ = good_ && t && t->size() <= kMaxUsageText;
    return good_ ? std::string(*t) : std::string();
  }
  unsigned byte() {
    good_ = good_ && !in_.empty();
    if (!good_) return 0;
    const auto b = static_cast<unsigned char>(in_.front());
    in_.remove_prefix(1);
    return b;
  }
  bool good() const { return good_; }
  std::size_t left() const { return in_.size(); }

 private:
  std::string_view in_;
  bool good_ = true;
};

// False when it is malformed.
bool read_record(Reader& in, const UsageRecord* before, UsageRecord& out) {
  const unsigned flags = in.byte();
  if (!in.good() || (flags & ~kFlags) != 0) return false;
  const unsigned protocol = (flags & kProtocol) >> kProtocolShift;
  if (protocol > static_cast<unsigned>(UsageProtocol::tcp)) return false;
  out.key.scheme = static_cast<UsageScheme>(flags & kScheme);
  out.key.protocol = static_cast<UsageProtocol>(protocol);
  if (flags & kSameDomain) {
    if (!before) return false;
    out.key.domain_id = before->key.domain_id;
    out.key.domain = before->key.domain;
  } else {
    out.key.domain_id = in.text();
    out.key.domain = in.text();
    if (before && out.key.domain_id == before->key.domain_id && out.key.domain == before->key.domain) return false;
  }
  out.key.region = in.text();
  out.key.isp = in.text();
  const std::uint64_t count = in.number();
  if (!in.good() || count == 0 || count > in.left() / 2) return false;  // a value takes two bytes at least
  if (before && !(before->key < out.key)) return false;
  out.values.reserve(static_cast<std::size_t>(count));
  std::uint64_t meter = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t step = in.number();
    if (!in.good() || step == 0 || step > UINT16_MAX - meter) return false;
    meter += step;
    const std::uint64_t value = in.number();
    if (!in.good() || value == 0) return false;
    out.values.emplace_back(static_cast<Meter>(meter), value);
  }
  return true;
}

}  // namespace

std::string_view to_string(UsageScheme scheme) { return scheme == UsageScheme::wss ? "wss" : "ws"; }

std::string_view to_string(UsageProtocol protocol) {
  switch (protocol) {
    case UsageProtocol::h1: return "h1";
    case UsageProtocol::h2: return "h2";
    case UsageProtocol::tcp: return "tcp";
  }
  return "h1";
}

void add_usage(UsageValues& sum, const UsageValues& more) {
  const bool known =
      std::ranges::includes(sum, more, {}, &UsageValues::value_type::first, &UsageValues::value_type::first);
  if (known) {  // nearly always: what an open session counts is what it counted before
    auto at = sum.begin();
    for (const auto& [meter, n] : more) {
      while (at->first != meter) ++at;
      at->second += n;
    }
    return;
  }
  UsageValues both;
  both.reserve(sum.size() + more.size());
  auto a = sum.begin();
  for (const auto& [meter, n] : more) {
    while (a != sum.end() && a->first < meter) both.push_back(*a++);
    both.emplace_back(meter, n);
    if (a != sum.end() && a->first == meter) both.back().second += (a++)->second;
  }
  both.insert(both.end(), a, sum.end());
  sum = std::move(both);
}

std::uint64_t usage_of(const UsageValues& values, Meter meter) {
  const auto at = std::ranges::lower_bound(values, meter, {}, &UsageValues::value_type::first);
  return at != values.end() && at->first == meter ? at->second : 0;
}

std::string encode_usage(const UsageSet& set) {
  std::string out(kMagic);
  append_text(out, cut(set.edge));
  append_varint(out, set.epoch);
  append_varint(out, set.sequence);
  append_varint(out, unsigned_of(set.interval_s));
  append_varint(out, unsigned_of(set.from_ms));
  append_varint(out, unsigned_of(set.to_ms));
  append_varint(out, set.records.size());
  const UsageRecord* before = nullptr;
  for (const UsageRecord& r : set.records) {
    const bool same = before && r.key.domain_id == before->key.domain_id && r.key.domain == before->key.domain;
    out.push_back(static_cast<char>(static_cast<unsigned>(r.key.scheme) |
                                    static_cast<unsigned>(r.key.protocol) << kProtocolShift |
                                    (same ? kSameDomain : 0)));
    if (!same) {
      append_text(out, cut(r.key.domain_id));
      append_text(out, cut(r.key.domain));
    }
    append_text(out, cut(r.key.region));
    append_text(out, cut(r.key.isp));
    append_varint(out, r.values.size());
    std::uint64_t meter = 0;
    for (const auto& [m, n] : r.values) {
      append_varint(out, static_cast<std::uint64_t>(m) - meter);
      append_varint(out, n);
      meter = static_cast<std::uint64_t>(m);
    }
    before = &r;
  }
  return out;
}

base::Result<UsageSet> decode_usage(std::string_view bytes) {
  if (bytes.size() < kMagic.size() || bytes.substr(0, 3) != kMagic.substr(0, 3)) return broken("not a set");
  if (bytes[3] != kMagic[3]) {
    return base::fail(Code::unsupported, Side::none, "usage: a set in a form that this program does not know");
  }
  Reader in(bytes.substr(kMagic.size()));
  UsageSet set;
  set.edge = in.text();
  set.epoch = in.number();
  set.sequence = in.number();
  set.interval_s = in.time();
  set.from_ms = in.time();
  set.to_ms = in.time();
  const std::uint64_t count = in.number();
  if (!in.good()) return broken("the head is cut off or out of range");
  if (set.interval_s % kUsageInterval != 0) return broken("no interval begins there");
  if (count > in.left() / 6) return broken("more records than bytes");  // the least that a record takes
  set.records.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    UsageRecord record;
    if (!read_record(in, set.records.empty() ? nullptr : &set.records.back(), record)) {
      return broken("record " + std::to_string(i));
    }
    set.records.push_back(std::move(record));
  }
  if (in.left() != 0) return broken("bytes behind the end");
  return set;
}

}  // namespace fairlead::model
