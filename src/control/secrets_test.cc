// Secrets with the real libsodium and real files.

#include "control/secrets.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace fairlead::control {
namespace {

namespace fs = std::filesystem;
using base::Code;

class SecretsFileTest : public ::testing::Test {
 protected:
  SecretsFileTest() {
    std::string pattern = (fs::temp_directory_path() / "fairlead-secrets-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~SecretsFileTest() override { fs::remove_all(folder_); }

  std::string file() const { return (folder_ / "sealing.key").string(); }
  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(file()) << text;
    ASSERT_EQ(::chmod(file().c_str(), mode), 0);
  }
  void expect_refused(Code code) {
    const auto opened = Secrets::open(file());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << base::describe(opened.error());
    EXPECT_EQ(opened.error().side, base::Side::config);
    EXPECT_THAT(opened.error().context, ::testing::HasSubstr(file()));
  }

  fs::path folder_;
};

TEST_F(SecretsFileTest, TheFirstOpenMakesTheKeyAndTheNextFindsIt) {
  const mode_t umask_before = ::umask(0);  // which must not widen the file
  const auto first = Secrets::open(file());
  ::umask(umask_before);
  ASSERT_TRUE(first) << base::describe(first.error());
  struct stat about{};
  ASSERT_EQ(::stat(file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600u);
  EXPECT_EQ(about.st_size, 65);  // 64 digits and a line end
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);

  const std::string sealed = first->seal("a private key", "certificate:1");
  const auto second = Secrets::open(file());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->open_sealed(sealed, "certificate:1").value_or(""), "a private key");
  EXPECT_EQ(second->derived_key("edge"), first->derived_key("edge"));
}

TEST_F(SecretsFileTest, AllWhoBeginTogetherEndWithOneKey) {
  std::vector<std::array<unsigned char, 32>> keys(8);
  {
    std::vector<std::jthread> threads;
    for (auto& key : keys) {
      threads.emplace_back([this, &key] {
        if (const auto secrets = Secrets::open(file())) key = secrets->derived_key("x");
      });
    }
  }
  EXPECT_NE(keys[0], (std::array<unsigned char, 32>{}));
  EXPECT_THAT(keys, ::testing::Each(keys[0]));
}

TEST_F(SecretsFileTest, AFileThatOthersCanReadIsRefused) {
  for (const mode_t mode : {0640, 0604, 0660, 0644, 0601}) {
    write(std::string(64, 'a') + "\n", mode);
    expect_refused(Code::forbidden);
  }
  write(std::string(64, 'a') + "\n", 0400);
  EXPECT_TRUE(Secrets::open(file()));
}

TEST_F(SecretsFileTest, WhatIsNoKeyIsRefusedAndLeftAlone) {
  const std::string key(64, 'a');
  for (const std::string& text : {std::string(), std::string("\n"), key.substr(1), key + "a", key.substr(1) + "g",
                                  " " + key, key.substr(2) + "  ", std::string(5000, 'a'), key + "\nmore"}) {
    write(text);
    expect_refused(Code::malformed);
    EXPECT_EQ(fs::file_size(file()), text.size());
  }
  write(key);  // an editor may have taken the line end
  EXPECT_TRUE(Secrets::open(file()));
  fs::remove(file());
  fs::create_directory(file());
  ASSERT_EQ(::chmod(file().c_str(), 0700), 0);
  expect_refused(Code::malformed);
  fs::remove(file());
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);  // would hold up who opens it to read
  expect_refused(Code::malformed);
}

TEST_F(SecretsFileTest, WithoutItsFolderThereIsNoKey) {
  const auto opened = Secrets::open((folder_ / "none" / "key").string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::resources);
}

TEST(Secrets, WhatWasSealedOpensForTheSameThingOnly) {
  const Secrets secrets = Secrets::ephemeral();
  for (const std::string& plain :
       {std::string(), std::string("x"), std::string("a\0b", 3), std::string(100'000, 'k')}) {
    const std::string sealed = secrets.seal(plain, "certificate:1");
    EXPECT_EQ(secrets.open_sealed(sealed, "certificate:1"), plain);
    EXPECT_TRUE(plain.size() <= 2 || sealed.find(plain) == std::string::npos);
    for (const char* about : {"certificate:2", "certificate:", "", "certificate:11"}) {
      const auto opened = secrets.open_sealed(sealed, about);
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error().code, Code::forbidden);
    }
    EXPECT_FALSE(Secrets::ephemeral().open_sealed(sealed, "certificate:1"));
  }
  EXPECT_NE(secrets.seal("same", "a"), secrets.seal("same", "a"));
}

TEST(Secrets, WhatWasChangedDoesNotOpen) {
  const Secrets secrets = Secrets::ephemeral();
  const std::string sealed = secrets.seal("private", "x");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(secrets.open_sealed(changed, "x")) << i;
    EXPECT_FALSE(secrets.open_sealed(sealed.substr(0, i), "x")) << i;
  }
  for (const std::string& text : {sealed + "AAAA", sealed + "\n", std::string("not base64!"), "=" + sealed}) {
    EXPECT_FALSE(secrets.open_sealed(text, "x"));
  }
}

TEST(Secrets, DerivedKeysDiffer) {
  const Secrets a = Secrets::ephemeral(), b = Secrets::ephemeral();
  const std::set<std::array<unsigned char, 32>> keys{a.derived_key("edge"), a.derived_key("edge2"), a.derived_key(""),
                                                     b.derived_key("edge")};
  EXPECT_EQ(keys.size(), 4u);
  EXPECT_EQ(a.derived_key("edge"), a.derived_key("edge"));
}

TEST(Secrets, Passwords) {
  const Secrets secrets = Secrets::ephemeral();
  const std::string hash = secrets.hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=65536,t=2,p=1$")) << hash;
  EXPECT_TRUE(secrets.password_matches("correct horse", hash));
  EXPECT_FALSE(secrets.password_matches("correct horse ", hash));
  EXPECT_FALSE(secrets.password_matches("correct hors", hash));
  EXPECT_FALSE(secrets.password_matches("", hash));
  EXPECT_FALSE(secrets.password_matches(std::string("correct horse\0", 14), hash));
  EXPECT_NE(secrets.hash_password("correct horse"), hash);
  // Hashes that are none.
  for (const std::string& none : {std::string(), std::string("x"), std::string(500, 'x'), hash.substr(0, 40)}) {
    EXPECT_FALSE(secrets.password_matches("correct horse", none));
    EXPECT_FALSE(secrets.password_matches("", none));
  }
  // Of another process: the sealing key has no part in it.
  EXPECT_TRUE(Secrets::ephemeral().password_matches("correct horse", hash));
}

// What this thread has used of a core: on a busy machine the clock on the wall tells of others.
std::chrono::nanoseconds used() {
  timespec at{};
  EXPECT_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at), 0);
  return std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
}

// A stranger must not learn from the time which users exist.
TEST(Secrets, AUserThatDoesNotExistTakesAsLong) {
  const Secrets secrets = Secrets::ephemeral();
  const std::string hash = secrets.hash_password("p");
  const auto least = [](auto call) {
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
      const auto began = used();
      EXPECT_FALSE(call());
      best = std::min(best, used() - began);
    }
    return best;
  };
  const auto real = least([&] { return secrets.password_matches("wrong", hash); });
  const auto wasted = least([&] { return secrets.waste_time("wrong"); });
  EXPECT_GT(wasted, real / 2);
  EXPECT_LT(wasted, real * 2);
}

TEST(Secrets, ManyMayHashAtOnce) {
  const Secrets secrets = Secrets::ephemeral();
  std::vector<std::string> hashes(3 * Secrets::kHashesAtOnce);
  {
    std::vector<std::jthread> threads;
    for (auto& hash : hashes) threads.emplace_back([&] { hash = secrets.hash_password("p"); });
  }
  for (const auto& hash : hashes) EXPECT_TRUE(hash.starts_with("$argon2id$"));
}

TEST(Secrets, KeysAreRandomAndSafeInUrls) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string key = Secrets::random_key("flt_");
    EXPECT_TRUE(key.starts_with("flt_"));
    EXPECT_EQ(key.size(), 4u + 43);
    EXPECT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    seen.insert(key);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Secrets, TheHashOfAKeyIsBlake2b256) {
  EXPECT_EQ(Secrets::key_hash("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_EQ(Secrets::key_hash("").size(), 64u);
}

TEST(Secrets, HmacSha256AsInRfc4231) {
  EXPECT_EQ(Secrets::hmac_sha256(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Secrets::hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Secrets::hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Secrets, Equal) {
  EXPECT_TRUE(Secrets::equal("", ""));
  EXPECT_TRUE(Secrets::equal("abc", "abc"));
  EXPECT_FALSE(Secrets::equal("abc", "abd"));
  EXPECT_FALSE(Secrets::equal("abc", "ab"));
  EXPECT_FALSE(Secrets::equal("abc", ""));
}

}  // namespace
}  // namespace fairlead::control
