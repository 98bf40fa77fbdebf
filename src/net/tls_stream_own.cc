// TlsStream with our own records: what lies between the socket and TlsRecords. One read of the socket and one write to
// it for as many records as fit, no copy but the cipher's, no memory while nothing waits.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/tls_own_records.h"
#include "net/tls_stream.h"

namespace fairlead::net {

// Opens whole records of `input` into `buffer` as far as there is room for them; what is used of both is added up in
// *used and *got. True: whole records are left, for a later call.
bool TlsStream::open_records(const unsigned char* input, std::size_t size, std::size_t* used, char* buffer,
                             std::size_t room, std::size_t* got) {
  TlsRecords& records = own_->records;
  while (read_end_ == kOpen) {
    const std::span<const unsigned char> rest(input + *used, size - *used);
    const std::size_t record = records.measure(rest);
    if (records.failed()) {
      fail_own();
      return false;
    }
    if (record == 0 || record > rest.size()) return false;
    const std::size_t needed = TlsRecords::room_for(record);
    const bool fits = needed <= room - *got;
    // One that may be more than was asked for is opened aside, but not behind others: those can be handed over now.
    if (!fits && *got > 0) return true;
    unsigned char* const out = fits ? reinterpret_cast<unsigned char*>(buffer) + *got : TlsScratch::mine().plain;
    const TlsRecords::Opened opened = records.open(rest.first(record), out);
    *used += record;
    switch (opened.event) {
      case TlsRecords::Event::quiet: break;
      case TlsRecords::Event::closed: read_end_ = 0; break;
      case TlsRecords::Event::failed: fail_own(); break;
      case TlsRecords::Event::data:
        if (!fits) {
          const std::size_t now = std::min(opened.size, room);
          std::memcpy(buffer, out, now);
          *got = now;
          if (opened.size > now) own_->plain.hold(out + now, opened.size - now);
          // Whether more records wait is for the next call to find out.
          return true;
        }
        *got += opened.size;
        break;
    }
  }
  return false;
}

// Bytes of the socket are counted when their record is opened, or given up: who divides the count among what was read
// (edge/http2/wire_shares.h) must not find records in it that are still to come.
ssize_t TlsStream::read_own(char* buffer, std::size_t size) {
  TlsOwnRecords& own = *own_;
  const auto count = [this](std::size_t bytes) {
    if (wire()) wire()->in.add(bytes);
  };
  std::size_t got = 0;
  bool more = false;
  if (!own.plain.empty()) {
    got = std::min(size, own.plain.size());
    std::memcpy(buffer, own.plain.data(), got);
    own.plain.drop_front(got);
    more = true;
  } else if (read_end_ == kOpen && size > 0) {
    try {
      std::size_t used = 0;
      if (!own.input.empty()) {
        more = open_records(own.input.data(), own.input.size(), &used, buffer, size, &got);
        own.input.drop_front(used);
        count(std::exchange(used, 0));
      }
      // Asked for once a call, and only when nothing is at hand: what is still in the kernel the poller will tell of.
      if (got == 0 && !more && read_end_ == kOpen) {
        unsigned char* const in = TlsScratch::mine().in;
        const std::size_t kept = own.input.size();
        if (kept > 0) std::memcpy(in, own.input.data(), kept);
        const ssize_t n =
            eof_ ? 0 : loop().poller().read(handle(), reinterpret_cast<char*>(in) + kept, TlsScratch::kSize - kept);
        if (n > 0) {
          const std::size_t have = kept + static_cast<std::size_t>(n);
          own.input.clear();
          more = open_records(in, have, &used, buffer, size, &got);
          if (read_end_ != kOpen) used = have;
          count(used);
          if (used < have) own.input.hold(in + used, have - used);
        } else if (n == 0) {
          // RFC 8446 section 6.1: without close_notify the data may have been cut short by anybody.
          eof_ = true;
          truncated_ = true;
          read_end_ = 0;
        } else if (n != -EAGAIN) {
          read_end_ = static_cast<int>(-n);
        }
      }
    } catch (const std::bad_alloc&) {
      // Bytes that cannot be kept are lost, and with them the connection.
      break_own(ENOMEM);
    }
    if (read_end_ != kOpen) {
      count(own.input.size());
      own.input.clear();
    }
  }
  // Of these no readiness will tell: an end that came together with the last bytes, and records that did not fit.
  buffered_ = read_end_ != kOpen || more;
  if (got > 0) return static_cast<ssize_t>(got);
  return read_end_ == kOpen ? -EAGAIN : -read_end_;
}

// What TlsRecords refused: the peer is told, as far as the socket takes it now, and nothing more is said or heard.
void TlsStream::fail_own() {
  TlsRecords& records = own_->records;
  if (!failure_) {
    failure_ = std::make_unique<std::string>(records.failure());
    if (records.peer_alert()) *failure_ = std::string("alert ") + records.peer_alert();
  }
  if (write_error_ == 0 && !records.peer_alert() && own_->pending.empty() && !closed_) {
    unsigned char* const out = TlsScratch::mine().out;
    if (const std::size_t n = records.seal_alert(records.alert(), out); n > 0) {
      const iovec piece{out, n};
      (void)write_socket(&piece, 1);
    }
  }
  break_own(EPROTO);
}

void TlsStream::break_own(int error) {
  read_end_ = error;
  write_error_ = error;
}

// Sends what is left of a record: 0 when nothing is, else EAGAIN or what is wrong.
int TlsStream::flush_pending() {
  HeldBytes& pending = own_->pending;
  if (pending.empty()) return 0;
  const iovec piece{const_cast<unsigned char*>(pending.data()), pending.size()};
  const ssize_t n = write_socket(&piece, 1);
  if (n < 0) return static_cast<int>(-n);
  pending.drop_front(static_cast<std::size_t>(n));
  return pending.empty() ? 0 : EAGAIN;
}

ssize_t TlsStream::write_own(const iovec* pieces, int count) {
  TlsOwnRecords& own = *own_;
  TlsRecords& records = own.records;
  // Where the next record begins: piece i, byte `at`.
  int i = 0;
  std::size_t at = 0, taken = 0;
  const auto step = [&](std::size_t size) {
    while (size > 0) {
      const std::size_t here = std::min(size, pieces[i].iov_len - at);
      at += here;
      size -= here;
      if (at == pieces[i].iov_len) {
        ++i;
        at = 0;
      }
    }
  };
  const auto next = [&](std::size_t most) -> std::string_view {
    while (i < count && at == pieces[i].iov_len) {
      ++i;
      at = 0;
    }
    if (i == count) return {};
    const std::string_view bytes(static_cast<const char*>(pieces[i].iov_base) + at,
                                 std::min(most, pieces[i].iov_len - at));
    step(bytes.size());
    return bytes;
  };
  const auto fail = [&](int error) -> ssize_t {
    if (error == EAGAIN) return taken > 0 ? static_cast<ssize_t>(taken) : -EAGAIN;
    write_error_ = error;
    if (error == ENOMEM && read_end_ == kOpen) read_end_ = ENOMEM;
    return taken > 0 ? static_cast<ssize_t>(taken) : -error;
  };
  try {
    // The caller comes again with the same bytes, of which the record on its way has the first.
    if (const int error = flush_pending(); error != 0) return fail(error);
    taken = std::exchange(own.pending_plain, 0);
    step(taken);

    unsigned char* const out = TlsScratch::mine().out;
    for (;;) {
      if (records.key_update_due()) {
        const std::size_t n = records.seal_key_update(out);
        if (n == 0) return fail(ENOMEM);
        own.pending.hold(out, n);
        if (const int error = flush_pending(); error != 0) return fail(error);
      }
      struct {
        std::size_t sealed, plain;
        std::uint64_t sequence;  // before it
      } sent[TlsScratch::kRecords];
      std::size_t records_made = 0, bytes = 0, plain = 0;
      const int first_piece = i;
      const std::size_t first_at = at;
      while (records_made < TlsScratch::kRecords && !records.key_update_due()) {
        const std::string_view first = next(records.most());
        if (first.empty()) break;
        // A head and the bytes behind it travel as one record.
        const std::string_view second = next(records.most() - first.size());
        const std::uint64_t sequence = records.sequence();
        const std::size_t n = records.seal_data(first, second, out + bytes);
        if (n == 0) return fail(ENOMEM);
        sent[records_made++] = {n, first.size() + second.size(), sequence};
        bytes += n;
        plain += first.size() + second.size();
      }
      if (records_made == 0) return static_cast<ssize_t>(taken);
      const iovec piece{out, bytes};
      const ssize_t n = write_socket(&piece, 1);
      if (n >= 0 && static_cast<std::size_t>(n) == bytes) [[likely]] {
        taken += plain;
        continue;
      }
      if (n < 0 && n != -EAGAIN) return fail(static_cast<int>(-n));
      // Records that are out count as taken; the one that is out in part goes out whole before anything else; those
      // behind it never left this process and are sealed again when their time comes.
      std::size_t left = n > 0 ? static_cast<std::size_t>(n) : 0, from = 0, k = 0, out_plain = 0;
      while (k < records_made && left >= sent[k].sealed) {
        left -= sent[k].sealed;
        from += sent[k].sealed;
        out_plain += sent[k].plain;
        ++k;
      }
      if (left > 0) {
        own.pending.hold(out + from + left, sent[k].sealed - left);
        own.pending_plain = static_cast<std::uint32_t>(sent[k].plain);
        ++k;
      }
      if (k < records_made) records.rewind(sent[k].sequence);
      i = first_piece;
      at = first_at;
      taken += out_plain;
      return fail(EAGAIN);
    }
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  }
}

// close_notify, behind what is on its way. False: the socket does not take it all now.
bool TlsStream::close_own() {
  if (const int error = flush_pending(); error != 0) return error != EAGAIN;
  if (close_sealed_) return true;
  try {
    unsigned char* const out = TlsScratch::mine().out;
    const std::size_t n = own_->records.seal_alert(TlsAlert::close_notify, out);
    if (n == 0) return true;
    close_sealed_ = true;
    const iovec piece{out, n};
    const ssize_t wrote = write_socket(&piece, 1);
    if (wrote == static_cast<ssize_t>(n) || (wrote < 0 && wrote != -EAGAIN)) return true;
    const std::size_t part = wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    own_->pending.hold(out + part, n - part);
    return false;
  } catch (const std::bad_alloc&) {
    return true;  // the FIN alone
  }
}

}  // namespace fairlead::net
