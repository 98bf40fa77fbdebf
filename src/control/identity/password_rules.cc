#include "control/identity/password_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/syntax.h"

namespace fairlead::control {
namespace {

// What people choose when they must choose something: in lower case, letters alone. A password that is one of these, or
// two of them in a row, with digits and signs around or between, is refused; three make a passphrase.
constexpr std::string_view kCommonWords =
    " abc abcd abcdef access account admin administrator adobe alexander amanda america amor andrea andrew"
    " angel angels anthony apple april arsenal asdf asdfgh asdfghjkl ashley august autumn awesome azerty"
    " babygirl backup badboy banana barcelona baseball basketball batman beautiful because benjamin bitch"
    " black blessed blink bond boss brandon butterfly carlos changeit changeme changethis charlie chelsea"
    " chocolate cisco client company computer cookie corporate correcthorsebatterystaple customer daniel"
    " database dbadmin december default demo demopassword diamond dragon eagle edge elephant elizabeth"
    " enter estrella everton fairlead family father february ferrari flower football forever freedom"
    " friday friend friends fuck fuckyou gabriel garfield george ginger goodluck google guest guitar hallo"
    " hannah happy harley heaven hello hockey hunter iloveu iloveyou internet isabella iwill january"
    " jasmine jennifer jessica jesus john jonathan jordan joseph joshua july june justin killer king"
    " letmein linkedin liverpool login london love lovely loveme lover loveyou manager march maria marina"
    " martin master matrix matthew may melissa mercedes michael michelle microsoft minecraft monday money"
    " monkey mother mustang mynoob mypassword naruto nathan newpassword nicholas nicole nintendo nothing"
    " november october office onelove operator oracle orange pass passphrase passw passwd password"
    " passwords passwort patrick peanut people pepper phoenix player please pokemon portugal postgres"
    " precious princess purple qazwsx qazwsxedc qwer qwert qwerty qwertyuiop qwertz rainbow realmadrid"
    " rebecca remember robert root rootroot samantha samsung saturday scooter secret secure security"
    " september server service shadow silver slipknot snoopy soccer something spiderman spring startrek"
    " starwars steelers strawberry summer sunday sunshine superman superstar superuser support sweet"
    " sysadmin system teamo temp temporary test tester testing testpassword testtest thank thankyou thomas"
    " thunder thursday tigger toor topsecret trustno tuesday tweety unknown user username vanessa victoria"
    " vmware webmaster websocket wednesday welcome whatever william windows winner winter wireless"
    " wordpress work yellow zaq zxcvbn zxcvbnm"
    " ";

// Along which a finger or the memory runs; forwards and backwards, and around.
constexpr auto kRuns = std::to_array<std::string_view>({
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "q1w2e3r4t5y6u7i8o9p0",
});

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// Bytes of UTF-8 that begin a character.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_repetition(std::string_view text) {
  for (std::size_t piece = 1; piece <= text.size() / 2 && piece <= 8; ++piece) {
    bool same = true;
    for (std::size_t i = piece; i < text.size() && same; ++i) same = text[i] == text[i - piece];
    if (same) return true;
  }
  return false;
}

bool is_run(std::string_view text) {
  for (const std::string_view run : kRuns) {
    std::string around;
    while (around.size() < run.size() + text.size()) around += run;
    if (around.contains(text)) return true;
    std::ranges::reverse(around);
    if (around.contains(text)) return true;
  }
  return false;
}

char letter_meant(char c) {
  constexpr std::string_view kWritten = "0134578@$!|";
  constexpr std::string_view kMeant = "oieastbasil";
  const auto at = kWritten.find(c);
  return at == std::string_view::npos ? c : kMeant[at];
}

// Whether `letters` is a common word, or two in a row; the name in the user's address is as common as the others.
bool is_common(std::string_view letters, std::string_view own_name) {
  const auto is_word = [&](std::string_view text) {
    return (own_name.size() >= 4 && text == own_name) || kCommonWords.contains(fmt::format(" {} ", text));
  };
  for (std::size_t first = 1; first <= letters.size(); ++first) {
    if (is_word(letters.substr(0, first)) && (first == letters.size() || is_word(letters.substr(first)))) return true;
  }
  return false;
}

// Without the digits and signs at both ends.
std::string_view without_ends(std::string_view text) {
  while (!text.empty() && !is_letter(text.front())) text.remove_prefix(1);
  while (!text.empty() && !is_letter(text.back())) text.remove_suffix(1);
  return text;
}

std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (is_letter(c)) letters += c;
  }
  return letters;
}

}  // namespace

std::optional<Detail> password_problem(std::string_view password, std::string_view email, std::string pointer) {
  const auto problem = [&](std::string code, std::string message, std::string hint) {
    return Detail{std::move(pointer), std::move(code), std::move(message), std::move(hint)};
  };
  const std::size_t length = characters(password);
  if (length < kMinPassword) {
    return problem("too-short", fmt::format("a password has {} characters at least", kMinPassword),
                   "several words that have nothing to do with each other are easy to remember");
  }
  if (length > kMaxPassword)
    return problem("too-long", fmt::format("a password has {} characters at most", kMaxPassword), "");

  const std::string low = model::lower_case(password);
  const std::string address = model::lower_case(email);
  if (low == address)
    return problem("is-email", "the password is the e-mail address", "choose something nobody knows of you");

  std::string meant(without_ends(low));
  std::ranges::transform(meant, meant.begin(), letter_meant);
  const std::string plain = letters_of(low), read = letters_of(meant);
  const std::string own = letters_of(address.substr(0, address.find('@')));
  // Decoration hides nothing, but what there is besides the words may be a good password of its own.
  const bool mostly_words = plain.size() * 2 >= low.size() || read.size() * 2 >= low.size();
  const bool ascii = std::ranges::all_of(low, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && mostly_words && own.size() >= 4 && (plain == own || plain == own + own))
    return problem("is-email", "the password is the name in the e-mail address",
                   "choose something nobody knows of you");
  if (is_repetition(low) || is_run(low) || (ascii && mostly_words && (is_common(plain, own) || is_common(read, own)))) {
    return problem("too-common", "this password is among those that are guessed first",
                   "several words that have nothing to do with each other are easy to remember");
  }
  return std::nullopt;
}

}  // namespace fairlead::control
