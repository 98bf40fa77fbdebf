#include "control/identity/password_rules.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

std::string code_of(std::string_view password) {
  const auto problem = password_problem(password, "joanna.smith@example.com", "/password");
  if (!problem) return "good";
  EXPECT_EQ(problem->pointer, "/password");
  EXPECT_FALSE(problem->message.contains(password));
  return problem->code;
}

TEST(PasswordRulesTest, LengthIsInCharacters) {
  EXPECT_EQ(code_of("kx8!vTq2mZ#"), "too-short");
  EXPECT_EQ(code_of("kx8!vTq2mZ#p"), "good");
  EXPECT_EQ(code_of("海上灯塔夜里照着归来的"), "too-short");  // 11, of 33 bytes
  EXPECT_EQ(code_of("海上灯塔夜里照着归来的船"), "good");
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += std::string(1, static_cast<char>('a' + i * 7 % 26)) + "ß";
  EXPECT_EQ(code_of(longest), "good");
  EXPECT_EQ(code_of(longest + "x"), "too-long");
}

TEST(PasswordRulesTest, WhatIsGuessedFirstIsRefused) {
  for (const char* password :
       {"aaaaaaaaaaaa",       "123123123123",  "abcabcabcabcab",   "123456789012",  "098765432109",
        "abcdefghijklm",      "qwertyuiopas",  "QWERTYUIOPAS",     "lkjhgfdsapoiu", "1q2w3e4r5t6y",
        "1qaz2wsx3edc",       "Password1234",  "P@ssw0rd1234",     "password!!!!",  "passwordpassword",
        "Welcome12345",       "Administrator", "!!!letmein!!!",    "iloveyou2024",  "CorrectHorseBatteryStaple",
        "summer-spring-2024", "Fairlead2026!", "Joannasmith admin"}) {
    EXPECT_EQ(code_of(password), "too-common") << password;
  }
  EXPECT_EQ(code_of("joanna.smith@example.com"), "is-email");
  EXPECT_EQ(code_of("Joanna.Smith@Example.COM"), "is-email");
  EXPECT_EQ(code_of("joannasmith123"), "is-email");
}

TEST(PasswordRulesTest, WhatIsHardToGuessIsGood) {
  for (const char* password : {"gorse lantern ebb seven", "orange elephant guitar", "xkcd9!Lw0qpm", "8402 7718 9935 06",
                               "password kelp tractor", "Zw-abcabc-Qp41", "éàüôñçßøåïëê"}) {
    EXPECT_EQ(code_of(password), "good") << password;
  }
}

}  // namespace
}  // namespace fairlead::control
