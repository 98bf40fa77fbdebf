#include "store/certificates.h"

#include "store/domains.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class CertificatesTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    account_ = make_account("customer").id;
  }
  Certificate make(std::string name, std::int64_t not_after_ms = kNow + 100) {
    Certificate c;
    c.account_id = account_;
    c.name = std::move(name);
    c.dns_names = R"(["live.example.com"])";
    c.chain_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    c.sealed_key = "c2VhbGVk";
    c.key_type = "p256";
    c.not_before_ms = kNow - 100;
    c.not_after_ms = not_after_ms;
    return write([&](Transaction& tx) { return insert_certificate(tx, c, kNow); });
  }
  void bind(const Domain& d, const Certificate& c) {
    write([&](Transaction& tx) { return bind_certificate(tx, d.id, c.id, kNow); });
  }
  std::vector<std::string> bound_to(const Domain& d) {
    std::vector<std::string> names;
    for (const auto& c : read([&](Transaction& tx) { return certificates_of_domain(tx, d.id); }))
      names.push_back(c.name);
    return names;
  }
  std::string account_;
};

TEST_P(CertificatesTest, EveryFieldIsKept) {
  const auto made = make("live");
  EXPECT_EQ(made.revision, 1);
  EXPECT_EQ(read([&](Transaction& tx) { return find_certificate(tx, made.id); }), made);
  Certificate changed = made;
  changed.name = "live 2";
  changed.dns_names = "[]";
  changed.chain_pem = "chain";
  changed.sealed_key = "key";
  changed.key_type = "rsa2048";
  changed.not_before_ms = 1;
  changed.not_after_ms = 2;
  const auto updated = write([&](Transaction& tx) { return update_certificate(tx, changed, 1, kNow + 1); });
  changed.revision = 2;
  changed.updated_ms = kNow + 1;
  EXPECT_EQ(updated, changed);
  EXPECT_EQ(refused([&](Transaction& tx) { return update_certificate(tx, changed, 1, kNow); }).code, Code::conflict);
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_certificate(tx, made.id, 1); }).code, Code::conflict);
  write([&](Transaction& tx) { return delete_certificate(tx, made.id, 2); });
  EXPECT_EQ(db().read([&](Transaction& tx) { return find_certificate(tx, made.id); }).error().code, Code::not_found);
  EXPECT_EQ(refused([&](Transaction& tx) { return update_certificate(tx, changed, 2, kNow); }).code, Code::not_found);
}

TEST_P(CertificatesTest, BindingsAreRecordedOnceEach) {
  const auto a = make_domain(account_, "a.example"), b = make_domain(account_, "b.example");
  const auto one = make("one"), two = make("two");
  auto before = last_change();
  bind(a, two);
  bind(a, one);
  bind(a, one);  // is so already
  bind(b, one);
  EXPECT_EQ(bound_to(a), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(changes_after(before).size(), 3u);

  before = last_change();
  write([&](Transaction& tx) { return update_certificate(tx, one, 1, kNow); });
  const auto number = [&](int n) { return std::to_string(before + n); };
  EXPECT_EQ(changes_after(before),
            (std::vector<std::string>{number(1) + " a.example changed", number(2) + " b.example changed"}));

  const auto error = refused([&](Transaction& tx) { return delete_certificate(tx, one.id, 2); });
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_EQ(error.context, "bound: still used by a.example, b.example");

  before = last_change();
  for (int i = 0; i < 2; ++i) write([&](Transaction& tx) { return unbind_certificate(tx, a.id, one.id, kNow); });
  EXPECT_EQ(changes_after(before), std::vector<std::string>{number(1) + " a.example changed"});
  EXPECT_EQ(bound_to(a), std::vector<std::string>{"two"});
  write([&](Transaction& tx) { return delete_domain(tx, b.id, 1, kNow); });  // takes its binding with it
  write([&](Transaction& tx) { return delete_certificate(tx, one.id, 2); });
}

TEST_P(CertificatesTest, OnlyOnesOwnCanBeBound) {
  const auto c = make("mine");
  const auto foreign = make_domain(make_account("other").id, "foreign.example");
  const auto bind_to = [&](std::string domain, std::string certificate) {
    return refused([&](Transaction& tx) { return bind_certificate(tx, domain, certificate, kNow); }).code;
  };
  EXPECT_EQ(bind_to(foreign.id, c.id), Code::not_found);
  EXPECT_EQ(bind_to("nobody", c.id), Code::not_found);
  EXPECT_EQ(bind_to(foreign.id, "nobody"), Code::not_found);
  EXPECT_EQ(bound_to(foreign), std::vector<std::string>{});
  EXPECT_EQ(refused([&](Transaction& tx) { return unbind_certificate(tx, "nobody", c.id, kNow); }).code,
            Code::not_found);
}

TEST_P(CertificatesTest, ListsByNameAndByEnd) {
  make("c", kNow + 1);
  make("a", kNow + 3);
  make("b", kNow + 2);
  const auto first = read([&](Transaction& tx) { return list_certificates(tx, account_, {"", 2}); });
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(first.items[0].name, "a");
  EXPECT_EQ(first.total, 3);
  const auto rest = read([&](Transaction& tx) { return list_certificates(tx, account_, {first.next, 2}); });
  ASSERT_EQ(rest.items.size(), 1u);
  EXPECT_EQ(rest.items[0].name, "c");
  EXPECT_EQ(read([&](Transaction& tx) { return list_certificates(tx, "nobody", {}); }).total, 0);
  const auto ending = read([&](Transaction& tx) { return certificates_ending(tx, kNow + 3, 10); });
  ASSERT_EQ(ending.size(), 2u);
  EXPECT_EQ(ending[0].name, "c");
  EXPECT_EQ(ending[1].name, "b");
  EXPECT_TRUE(refused([&](Transaction& tx) {
                Certificate c;
                c.account_id = account_;
                c.name = "a";
                return insert_certificate(tx, c, kNow);
              }).context.starts_with("unique:"));
}

TEST_P(CertificatesTest, AnIdMayBeGivenIn) {
  Certificate c = make("made");
  c.id = "0123456789abcdef0123456789abcdef";
  c.name = "given";
  EXPECT_EQ(write([&](Transaction& tx) { return insert_certificate(tx, c, kNow); }).id, c.id);
  c.name = "again";
  EXPECT_TRUE(refused([&](Transaction& tx) { return insert_certificate(tx, c, kNow); }).context.starts_with("unique:"));
}

TEST_P(CertificatesTest, DomainsBoundToIt) {
  const auto c = make("one"), other = make("two");
  bind(make_domain(account_, "b.example"), c);
  bind(make_domain(account_, "a.example"), c);
  const auto domains = [&](const Certificate& of) {
    return read([&](Transaction& tx) { return domains_of_certificate(tx, of.id); });
  };
  EXPECT_EQ(domains(c), (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(domains(other), std::vector<std::string>{});

  const auto beside = [&](const Certificate& of) {
    return read([&](Transaction& tx) { return certificates_beside(tx, of.id); });
  };
  EXPECT_EQ(beside(c), std::vector<CertificateBeside>{});
  bind(make_domain(account_, "c.example"), other);
  write([&](Transaction& tx) -> base::Result<void> {
    auto b = find_domain_by_name(tx, "b.example");
    return bind_certificate(tx, b->id, other.id, kNow);
  });
  EXPECT_EQ(beside(c), (std::vector<CertificateBeside>{{"b.example", "two", "p256"}}));
  EXPECT_EQ(beside(other), (std::vector<CertificateBeside>{{"b.example", "one", "p256"}}));
}

TEST_P(CertificatesTest, WhoWasToldOfAnEndIsRemembered) {
  constexpr std::int64_t kDay = 24 * 3600 * 1000;
  make("ended", kNow);
  auto soon = make("soon", kNow + 1), late = make("late", kNow + 7 * kDay);
  make("later", kNow + 14 * kDay);
  using Names = std::vector<std::string>;
  const auto left = [&](std::int64_t days, std::int64_t limit = 10) {
    Names names;
    for (const auto& c : read([&](Transaction& tx) { return certificates_to_tell_of(tx, kNow, days, limit); }))
      names.push_back(c.name);
    return names;
  };
  const auto note = [&](const Certificate& c, std::int64_t days) {
    write([&](Transaction& tx) { return note_told_of(tx, c, days, kNow); });
  };
  EXPECT_EQ(left(6), Names{"soon"});
  EXPECT_EQ(left(7), (Names{"soon", "late"}));
  EXPECT_EQ(left(7, 1), Names{"soon"});
  note(soon, 7);
  note(soon, 7);
  EXPECT_EQ(left(7), Names{"late"});
  EXPECT_EQ(left(14), (Names{"late", "later"}));  // who was told 7 days before need not hear what was so 14 days before
  EXPECT_EQ(left(1), Names{"soon"});              // but one day before is still to come
  soon.not_after_ms = kNow + 2;                   // another end
  soon = write([&](Transaction& tx) { return update_certificate(tx, soon, 1, kNow); });
  EXPECT_EQ(left(7), (Names{"soon", "late"}));
  note(late, 7);
  write([&](Transaction& tx) { return delete_certificate(tx, late.id, 1); });
}

FAIRLEAD_BOTH_ENGINES(CertificatesTest);

}  // namespace
}  // namespace fairlead::store
