// The ticket keys when there is no memory for a new one. What tickets are worth over handshakes:
// tls_resumption_test.cc.

#include "net/tls_ticket_keys.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <new>

#include "net/testing/scarce_memory.h"

namespace fairlead::net {
namespace {

using testing::ScarceMemory;

// A ticket's name, by which its key is found.
class Ticket {
 public:
  explicit Ticket(const TlsTicketKeys& keys) : Ticket() {
    EXPECT_TRUE(keys.seal(name_.data(), iv_.data(), cipher_, mac_));
  }
  ~Ticket() {
    EVP_MAC_CTX_free(mac_);
    EVP_MAC_free(hmac_);
    EVP_CIPHER_CTX_free(cipher_);
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  TlsTicketKeys::Opened opened_by(const TlsTicketKeys& keys) {
    return keys.open(name_.data(), iv_.data(), cipher_, mac_);
  }

 private:
  Ticket() = default;
  std::array<unsigned char, 16> name_{}, iv_{};
  EVP_CIPHER_CTX* cipher_ = EVP_CIPHER_CTX_new();
  EVP_MAC* hmac_ = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* mac_ = EVP_MAC_CTX_new(hmac_);
};

// Calls `change` with every allocation of it failing in turn, each time on keys of their own, and says how many failed.
template <class Change>
int fail_each(Change change) {
  int failed = 0;
  for (bool happened = true; happened;) {
    TlsTicketKeys keys(base::TimePoint{}, base::seconds(10));
    Ticket ticket(keys);
    bool threw = false;
    ScarceMemory::fail_nth(failed);
    try {
      change(keys);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    happened = ScarceMemory::end();
    EXPECT_EQ(threw, happened);
    if (!happened) break;
    ++failed;
    // As if it had not been asked.
    EXPECT_EQ(ticket.opened_by(keys), TlsTicketKeys::Opened::yes);
    EXPECT_EQ(keys.next_rotation(), base::TimePoint{} + base::seconds(10));
    Ticket next(keys);
    EXPECT_EQ(next.opened_by(keys), TlsTicketKeys::Opened::yes);
  }
  return failed;
}

TEST(TlsTicketKeys, are_whole_when_there_is_no_memory_to_rotate_them) {
  for (const int periods : {1, 2, 3, 10}) {
    EXPECT_GE(fail_each([=](TlsTicketKeys& k) { k.rotate(base::TimePoint{} + base::seconds(10 * periods)); }), 1);
  }
}

TEST(TlsTicketKeys, are_whole_when_there_is_no_memory_to_replace_them) {
  EXPECT_GE(fail_each([](TlsTicketKeys& k) { k.replace_all(base::TimePoint{} + base::seconds(1)); }), 1);
}

// Each whole period takes the place of one old key, and three are kept.
TEST(TlsTicketKeys, grow_old_by_periods) {
  using Opened = TlsTicketKeys::Opened;
  for (const int periods : {1, 2, 3, 4, 1000}) {
    TlsTicketKeys keys(base::TimePoint{}, base::seconds(10));
    Ticket first(keys);
    EXPECT_FALSE(keys.rotate(base::TimePoint{} + base::seconds(9)));
    EXPECT_TRUE(keys.rotate(base::TimePoint{} + base::seconds(10)));
    EXPECT_EQ(first.opened_by(keys), Opened::yes_but_renew);
    Ticket second(keys);
    EXPECT_TRUE(keys.rotate(base::TimePoint{} + base::seconds(10 + 10 * periods)));
    EXPECT_EQ(first.opened_by(keys), periods == 1 ? Opened::yes_but_renew : Opened::no) << periods;
    EXPECT_EQ(second.opened_by(keys), periods <= 2 ? Opened::yes_but_renew : Opened::no) << periods;
    Ticket third(keys);
    EXPECT_EQ(third.opened_by(keys), Opened::yes);
    keys.replace_all(base::TimePoint{} + base::seconds(10 + 10 * periods));
    EXPECT_EQ(third.opened_by(keys), Opened::no);
  }
}

}  // namespace
}  // namespace fairlead::net
