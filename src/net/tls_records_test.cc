// The record protocol by itself: two ends that share secrets, and a forger who has them too and so can seal what no
// honest peer would. RFC 8448 has the bytes of a connection to compare with. Over sockets, with OpenSSL on the other
// side: tls_stream_test.cc and tls_handshake_test.cc.

#include "net/tls_records.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fairlead::net {
namespace {

using Bytes = std::vector<unsigned char>;
using Event = TlsRecords::Event;

Bytes from_hex(std::string_view text) {
  Bytes out;
  int half = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (half < 0) {
      half = digit;
    } else {
      out.push_back(static_cast<unsigned char>(half * 16 + digit));
      half = -1;
    }
  }
  return out;
}

constexpr TlsSuite kAll[] = {TlsSuite::aes_128_gcm_sha256, TlsSuite::aes_256_gcm_sha384,
                             TlsSuite::chacha20_poly1305_sha256};

Bytes secret_of(TlsSuite suite, unsigned char seed) {
  Bytes secret(secret_size(suite));
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<unsigned char>(seed + 7 * i);
  return secret;
}

// A server's and a client's end, and a sender that holds the client's keys and follows no rule.
struct Ends {
  explicit Ends(TlsSuite suite = TlsSuite::aes_128_gcm_sha256, std::uint64_t sequence = 0) {
    const Bytes up = secret_of(suite, 1), down = secret_of(suite, 2);
    EXPECT_TRUE(server.start(suite, {up, sequence}, {down, sequence}, TlsRecords::kPlain, &count));
    EXPECT_TRUE(client.start(suite, {down, sequence}, {up, sequence}));
    EXPECT_TRUE(forger.start(suite, up, sequence));
    EXPECT_TRUE(server_forger.start(suite, down, sequence));
  }
  TlsRecordsCount count;  // the server's
  TlsRecords server{TlsRecords::Role::server}, client{TlsRecords::Role::client};
  TlsRecordKeys forger, server_forger;
};

Bytes seal(TlsRecords& from, std::string_view first, std::string_view second = {}) {
  Bytes out(first.size() + second.size() + TlsRecordKeys::kOverhead);
  EXPECT_EQ(from.seal_data(first, second, out.data()), out.size());
  return out;
}
Bytes forge(TlsRecordKeys& keys, std::uint8_t type, std::string_view content) {
  Bytes out(content.size() + TlsRecordKeys::kOverhead);
  EXPECT_TRUE(keys.seal(type, content, {}, out.data()));
  return out;
}
Bytes key_update(TlsRecords& from) {
  Bytes out(TlsRecords::kKeyUpdate);
  EXPECT_EQ(from.seal_key_update(out.data()), out.size());
  return out;
}

struct Got {
  Event event;
  std::string data;
};
Got open(TlsRecords& to, const Bytes& record) {
  const std::size_t size = to.measure(record);
  if (to.failed()) return {Event::failed, {}};
  EXPECT_EQ(size, record.size());
  Bytes out(TlsRecords::room_for(size));
  const auto opened = to.open(record, out.data());
  return {opened.event, opened.event == Event::data
                            ? std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(opened.size))
                            : ""};
}
void expect_refused(TlsRecords& to, const Bytes& record, TlsAlert alert) {
  EXPECT_EQ(open(to, record).event, Event::failed);
  EXPECT_TRUE(to.failed());
  EXPECT_EQ(to.alert(), alert) << to.failure();
  // Nothing is opened afterwards.
  EXPECT_EQ(to.open(record, Bytes(record.size()).data()).event, Event::failed);
}

// RFC 8448 section 3, "Simple 1-RTT Handshake": the application data of both sides and the client's close_notify.
TEST(TlsRecordsTest, TheRfcsOwnConnection) {
  const Bytes client =
      from_hex("9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a fa 0b 06 df 00 87 f7 92 eb b7 c1 75 04 a5");
  const Bytes server =
      from_hex("a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43");
  TlsRecords end(TlsRecords::Role::client);
  // The server's first record under these keys was its NewSessionTicket.
  ASSERT_TRUE(end.start(TlsSuite::aes_128_gcm_sha256, {server, 1}, {client, 0}));
  std::string fifty;
  for (char c = 0; c < 50; ++c) fifty += c;
  EXPECT_EQ(
      seal(end, fifty),
      from_hex(
          "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b 98 19 "
          "a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6 3a ee bb 21 69 49 "
          "15 e4"));
  const Got got = open(
      end,
      from_hex(
          "17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36 e3 0e fa "
          "f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0 32 e1 67 c2 "
          "95 5d"));
  EXPECT_EQ(got.data, fifty);
  Bytes notify(TlsRecords::kAlertRecord);
  EXPECT_EQ(end.seal_alert(TlsAlert::close_notify, notify.data()), notify.size());
  EXPECT_EQ(notify, from_hex("17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3"));
  EXPECT_EQ(open(end, from_hex("17 03 03 00 13 b5 8f d6 71 66 eb f5 99 d2 47 20 cf be 7e fa 7a 88 64 a9")).event,
            Event::closed);
}

TEST(TlsRecordsTest, WhatGoesInComesOut) {
  for (const TlsSuite suite : kAll) {
    Ends ends(suite);
    for (const std::size_t size : {1u, 2u, 15u, 16u, 17u, 511u, 512u, 513u, 4096u, 16383u, 16384u}) {
      std::string bytes(size, '\0');
      for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + size);
      for (const std::size_t cut : {std::size_t(0), size / 3, size}) {
        const std::string_view whole = bytes;
        EXPECT_EQ(open(ends.server, seal(ends.client, whole.substr(0, cut), whole.substr(cut))).data, bytes) << size;
        EXPECT_EQ(open(ends.client, seal(ends.server, whole.substr(0, cut), whole.substr(cut))).data, bytes) << size;
      }
    }
    EXPECT_EQ(to_string(ends.server.suite()), to_string(suite));
  }
}

// One thread's cipher serves every connection: each must find its own key in it.
TEST(TlsRecordsTest, ConnectionsTakeTurnsOnOneThread) {
  std::vector<std::unique_ptr<Ends>> all;
  for (int i = 0; i < 6; ++i) all.push_back(std::make_unique<Ends>(kAll[i % 3], static_cast<std::uint64_t>(i)));
  for (int round = 0; round < 5; ++round) {
    for (auto& ends : all) {
      const Bytes one = seal(ends->client, "one"), two = seal(ends->client, "two");
      EXPECT_EQ(open(ends->server, one).data, "one");
      EXPECT_EQ(open(ends->server, two).data, "two");
    }
    if (round == 2) all.erase(all.begin());  // its key is wiped from the cipher that it was left in
  }
}

TEST(TlsRecordsTest, MeasuredByItsHeader) {
  Ends ends;
  const Bytes record = seal(ends.client, "hello");
  for (std::size_t n = 0; n < TlsRecords::kHeader; ++n) {
    EXPECT_EQ(ends.server.measure(std::span(record).first(n)), 0u);
    EXPECT_FALSE(ends.server.failed());
  }
  EXPECT_EQ(ends.server.measure(std::span(record).first(5)), record.size());
  // RFC 8446 section 5.2: legacy_record_version must be ignored when a record is measured, but it is part of what is
  // authenticated.
  Bytes other = record;
  other[2] = 1;
  EXPECT_EQ(ends.server.measure(other), record.size());
  expect_refused(ends.server, other, TlsAlert::bad_record_mac);
}

TEST(TlsRecordsTest, RecordsOfOtherKindsAreRefusedByTheirFirstByte) {
  for (const unsigned char type : {0, 20, 21, 22, 24, 0x47, 0x80, 255}) {
    Ends ends;
    EXPECT_EQ(ends.server.measure(Bytes{type}), 0u);
    EXPECT_TRUE(ends.server.failed());
    EXPECT_EQ(ends.server.alert(), TlsAlert::unexpected_message);
  }
}

TEST(TlsRecordsTest, SizesAreBounded) {
  Ends longest;
  EXPECT_EQ(longest.server.measure(Bytes{23, 3, 3, 0x41, 0x00}), TlsRecords::kProtected);
  EXPECT_FALSE(longest.server.failed());
  longest.server.measure(Bytes{23, 3, 3, 0x41, 0x01});
  EXPECT_EQ(longest.server.alert(), TlsAlert::record_overflow);
  Ends shortest;
  EXPECT_EQ(shortest.server.measure(Bytes{23, 3, 3, 0, 17}), 22u);
  for (const unsigned char size : {0, 1, 16}) {
    Ends ends;
    ends.server.measure(Bytes{23, 3, 3, 0, size});
    EXPECT_TRUE(ends.server.failed()) << int(size);
  }
}

// Section 5.4: any amount of padding, up to 2^14 + 1 bytes with content and type.
TEST(TlsRecordsTest, PaddingIsTakenOff) {
  Ends ends;
  for (const std::size_t padding : {1u, 100u, 16000u}) {
    std::string inner = "content";
    inner += '\x17';
    inner.append(padding - 1, '\0');
    EXPECT_EQ(open(ends.server, forge(ends.forger, 0, inner)).data, "content");
  }
  // Content that ends with zeros keeps them.
  EXPECT_EQ(open(ends.server, forge(ends.forger, 23, std::string("a\0\0", 3))).data, std::string("a\0\0", 3));
  expect_refused(ends.server, forge(ends.forger, 0, std::string(40, '\0')), TlsAlert::unexpected_message);
  Ends full;
  EXPECT_EQ(open(full.server, forge(full.forger, 0, std::string(1, '\x17') + std::string(16383, '\0'))).event,
            Event::quiet);
  Ends over;
  expect_refused(over.server, forge(over.forger, 23, std::string(16385, 'x')), TlsAlert::record_overflow);
  Ends padded_over;
  expect_refused(padded_over.server, forge(padded_over.forger, 0, "x\x17" + std::string(16384, '\0')),
                 TlsAlert::record_overflow);
}

TEST(TlsRecordsTest, EveryChangedBitIsNoticed) {
  for (const TlsSuite suite : kAll) {
    Ends made(suite);
    const Bytes record = seal(made.client, "quotes");
    for (std::size_t bit = 8; bit < 8 * record.size(); ++bit) {
      Bytes changed = record;
      changed[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
      Ends ends(suite);
      if (bit / 8 == 3 || bit / 8 == 4) continue;  // the length: another test's
      expect_refused(ends.server, changed, TlsAlert::bad_record_mac);
    }
  }
}

TEST(TlsRecordsTest, RefusalsAreCountedByTheirAlert) {
  Ends ends;
  EXPECT_EQ(open(ends.server, forge(ends.forger, 21, "\1")).event, Event::failed);
  EXPECT_EQ(open(ends.server, forge(ends.forger, 1, "a second one counts nothing")).event, Event::failed);
  for (std::size_t i = 0; i < kTlsRefusals.size(); ++i) {
    EXPECT_EQ(ends.count.refused[i].get(), kTlsRefusals[i] == TlsAlert::decode_error ? 1u : 0u)
        << to_string(kTlsRefusals[i]);
  }
}

TEST(TlsRecordsTest, ReplayedReorderedAndMissingRecordsAreRefused) {
  Ends replayed;
  const Bytes first = seal(replayed.client, "first");
  EXPECT_EQ(open(replayed.server, first).data, "first");
  expect_refused(replayed.server, first, TlsAlert::bad_record_mac);
  Ends skipped;
  seal(skipped.client, "lost");
  expect_refused(skipped.server, seal(skipped.client, "second"), TlsAlert::bad_record_mac);
  Ends reflected;
  expect_refused(reflected.client, seal(reflected.client, "our own"), TlsAlert::bad_record_mac);
}

TEST(TlsRecordsTest, TruncatedRecordsOpenToNothing) {
  Ends made;
  const Bytes record = seal(made.client, "some words");
  for (std::size_t size = 22; size < record.size(); ++size) {
    Ends ends;
    Bytes cut(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size));
    cut[4] = static_cast<unsigned char>(size - 5);
    expect_refused(ends.server, cut, TlsAlert::bad_record_mac);
  }
}

TEST(TlsRecordsTest, ARecordThatDoesNotOpenLeavesNothingBehind) {
  Ends ends;
  Bytes record = seal(ends.client, "secret words");
  record.back() ^= 1;
  Bytes out(TlsRecords::room_for(record.size()), 0xaa);
  EXPECT_EQ(ends.server.open(record, out.data()).event, Event::failed);
  EXPECT_EQ(out, Bytes(out.size(), 0));
}

TEST(TlsRecordsTest, AlertsEndTheConnection) {
  Ends closed;
  EXPECT_EQ(open(closed.server, forge(closed.forger, 21, std::string("\1\0", 2))).event, Event::closed);
  Ends cancelled;
  EXPECT_EQ(open(cancelled.server, forge(cancelled.forger, 21, "\1\x5a")).event, Event::quiet);
  EXPECT_EQ(open(cancelled.server, forge(cancelled.forger, 21, std::string("\2\0", 2))).event, Event::closed)
      << "levels say nothing";
  for (const char what : {'\x0a', '\x14', '\x28', '\x50', '\x7f'}) {
    Ends ends;
    EXPECT_EQ(open(ends.server, forge(ends.forger, 21, std::string("\1") + what)).event, Event::failed);
    EXPECT_EQ(ends.server.alert(), TlsAlert::close_notify) << "one alert is not answered by another";
    EXPECT_NE(ends.server.peer_alert(), nullptr);
  }
  for (const std::string& content :
       {std::string(), std::string("\1"), std::string("\1\0\1", 3), std::string("\1\0\1\0", 4)}) {
    Ends ends;
    expect_refused(ends.server, forge(ends.forger, 21, content), TlsAlert::decode_error);
  }
}

TEST(TlsRecordsTest, OtherContentIsRefused) {
  for (const std::uint8_t type : {1, 19, 20, 24, 255}) {
    Ends ends;
    expect_refused(ends.server, forge(ends.forger, type, "x"), TlsAlert::unexpected_message);
  }
}

TEST(TlsRecordsTest, KeysAreRenewedInBothDirections) {
  for (const TlsSuite suite : kAll) {
    Ends ends(suite);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(open(ends.server, seal(ends.client, "before")).data, "before");
      EXPECT_EQ(open(ends.server, key_update(ends.client)).event, Event::quiet);
      EXPECT_FALSE(ends.server.key_update_due()) << "it was not asked for";
      EXPECT_EQ(open(ends.server, seal(ends.client, "after")).data, "after");
      EXPECT_EQ(open(ends.client, key_update(ends.server)).event, Event::quiet);
      EXPECT_EQ(open(ends.client, seal(ends.server, "and down")).data, "and down");
    }
    EXPECT_EQ(ends.count.key_updates_received.get(), 5u);
    EXPECT_EQ(ends.count.key_updates_sent.get(), 5u);
  }
}

TEST(TlsRecordsTest, AskedForAKeyUpdateOnceIsAnsweredOnce) {
  Ends ends;
  const std::string asks("\x18\0\0\1\1", 5);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(open(ends.server, forge(ends.forger, 22, asks)).event, Event::quiet);
    EXPECT_TRUE(ends.forger.update());
    EXPECT_TRUE(ends.server.key_update_due());
  }
  EXPECT_EQ(open(ends.client, key_update(ends.server)).event, Event::quiet);
  EXPECT_FALSE(ends.server.key_update_due());
  EXPECT_FALSE(ends.client.key_update_due()) << "an answer does not ask";
  EXPECT_EQ(open(ends.client, seal(ends.server, "new key")).data, "new key");
}

// A record under the old key behind a KeyUpdate does not open.
TEST(TlsRecordsTest, TheOldKeyIsOver) {
  Ends ends;
  EXPECT_EQ(open(ends.server, forge(ends.forger, 22, std::string("\x18\0\0\1\0", 5))).event, Event::quiet);
  expect_refused(ends.server, forge(ends.forger, 23, "old key"), TlsAlert::bad_record_mac);
}

TEST(TlsRecordsTest, KeysAreRenewedBeforeTheyWearOut) {
  for (const TlsSuite suite : kAll) {
    Ends ends(suite, TlsRecords::kRecordsPerKey - 2);
    EXPECT_EQ(open(ends.server, seal(ends.client, "1")).data, "1");
    EXPECT_FALSE(ends.client.key_update_due());
    EXPECT_EQ(open(ends.server, seal(ends.client, "2")).data, "2");
    EXPECT_TRUE(ends.client.key_update_due()) << "ours is used up";
    EXPECT_TRUE(ends.server.key_update_due()) << "the peer's is, and it should be told";
    EXPECT_EQ(open(ends.client, key_update(ends.server)).event, Event::quiet);
    EXPECT_FALSE(ends.server.key_update_due());
    EXPECT_EQ(open(ends.server, seal(ends.client, "late, and borne")).data, "late, and borne");
    EXPECT_FALSE(ends.server.key_update_due()) << "asked once";
    EXPECT_EQ(open(ends.server, key_update(ends.client)).event, Event::quiet);
    EXPECT_EQ(open(ends.server, seal(ends.client, "new key")).data, "new key");
    EXPECT_FALSE(ends.client.key_update_due());
  }
}

TEST(TlsRecordsTest, HandshakeMessagesMayBeCut) {
  Ends ends;
  for (const char c : std::string("\x18\0\0\1\0", 5))
    EXPECT_EQ(open(ends.server, forge(ends.forger, 22, std::string(1, c))).event, Event::quiet);
  EXPECT_TRUE(ends.forger.update());
  EXPECT_EQ(open(ends.server, forge(ends.forger, 23, "x")).data, "x");
  // Nothing may come between the pieces.
  EXPECT_EQ(open(ends.server, forge(ends.forger, 22, std::string("\x18\0\0", 3))).event, Event::quiet);
  expect_refused(ends.server, forge(ends.forger, 23, "between"), TlsAlert::unexpected_message);
}

TEST(TlsRecordsTest, HandshakeMessagesOutOfPlaceAreRefused) {
  const struct {
    std::string content;
    TlsAlert alert;
    const char* what;
  } cases[] = {
      {std::string(), TlsAlert::unexpected_message, "no bytes at all"},
      {std::string("\x18\0\0\1\2", 5), TlsAlert::illegal_parameter, "an unknown request"},
      {std::string("\x18\0\0\2\0\0", 6), TlsAlert::decode_error, "two bytes"},
      {std::string("\x18\0\0\0", 4), TlsAlert::decode_error, "no byte"},
      {std::string("\x18\0\0\1\0\x18\0\0\1\0", 10), TlsAlert::unexpected_message, "another behind the change of keys"},
      {std::string("\1\0\0\1\0", 5), TlsAlert::unexpected_message, "a ClientHello"},
      {std::string("\4\0\0\1\0", 5), TlsAlert::unexpected_message, "a client with tickets"},
      {std::string("\x14\0\0\1\0", 5), TlsAlert::unexpected_message, "a second Finished"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    Ends ends;
    expect_refused(ends.server, forge(ends.forger, 22, c.content), c.alert);
  }
}

// As client: tickets are read over, in any number of pieces, several in a record.
TEST(TlsRecordsTest, TicketsAreReadOver) {
  Ends ends;
  const std::string ticket = std::string("\4\0\0\x10", 4) + std::string(16, 't');
  EXPECT_EQ(open(ends.client, forge(ends.server_forger, 22, ticket)).event, Event::quiet);
  EXPECT_EQ(open(ends.client, forge(ends.server_forger, 22, ticket + ticket + ticket.substr(0, 7))).event,
            Event::quiet);
  EXPECT_EQ(open(ends.client, forge(ends.server_forger, 22, ticket.substr(7) + std::string("\x18\0\0\1\0", 5))).event,
            Event::quiet);
  EXPECT_TRUE(ends.server_forger.update());
  EXPECT_EQ(open(ends.client, forge(ends.server_forger, 23, "data")).data, "data");
  expect_refused(ends.client, forge(ends.server_forger, 22, std::string("\4\1\0\0", 4)), TlsAlert::illegal_parameter);
  Ends asked;
  expect_refused(asked.client, forge(asked.server_forger, 22, std::string("\x0d\0\0\1\0", 5)),
                 TlsAlert::unexpected_message);
}

TEST(TlsRecordsTest, RecordsThatSayNothingAreCounted) {
  Ends ends;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < TlsRecords::kQuietRecords; ++i)
      EXPECT_EQ(open(ends.server, forge(ends.forger, 23, "")).event, Event::quiet);
    EXPECT_EQ(open(ends.server, forge(ends.forger, 23, "data")).data, "data");
  }
  for (int i = 0; i < TlsRecords::kQuietRecords; ++i) {
    EXPECT_EQ(open(ends.server, forge(ends.forger, 22, std::string("\x18\0\0\1\0", 5))).event, Event::quiet);
    EXPECT_TRUE(ends.forger.update());
  }
  expect_refused(ends.server, forge(ends.forger, 23, ""), TlsAlert::unexpected_message);
}

// Records that never left are sealed again as something else, and the peer sees only what was sent.
TEST(TlsRecordsTest, RecordsAreTakenBack) {
  Ends ends;
  EXPECT_EQ(open(ends.server, seal(ends.client, "sent")).data, "sent");
  const std::uint64_t before = ends.client.sequence();
  seal(ends.client, "never sent");
  seal(ends.client, "nor this");
  ends.client.rewind(before);
  EXPECT_EQ(open(ends.server, seal(ends.client, "sent too")).data, "sent too");
}

}  // namespace
}  // namespace fairlead::net
