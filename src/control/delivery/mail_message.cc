// The text of a mail; what carries it is mail.cc's.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "control/delivery/mail.h"
#include "model/syntax.h"
#include "store/value.h"

namespace fairlead::control {

using base::Code;
using base::Side;

namespace {

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) -> unsigned {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += kDigits[three >> 18];
    text += kDigits[three >> 12 & 63];
    text += i + 1 < bytes.size() ? kDigits[three >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[three & 63] : '=';
  }
  return text;
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// RFC 5321 section 4.1.2, Dot-string "@" Domain: what users' addresses are made of. Nothing of it needs quoting, so
// nothing of it can end a field or a command.
bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (at == text.npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != local.npos) return false;
  const bool atoms = std::all_of(local.begin(), local.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view(".!#$%&'*+-/=?^_`{|}~").find(static_cast<char>(c)) != std::string_view::npos;
  });
  return atoms && model::is_host_name(text.substr(at + 1));
}

// RFC 2047: as it is when it can be, else encoded words of 75 characters at most, none of which cuts a character in
// two.
std::string subject_field(std::string_view subject) {
  constexpr std::size_t kPlain = 60, kPiece = 39;  // bytes; "=?UTF-8?B?" and "?=" round 52 base64 digits
  if (is_printable_ascii(subject) && subject.size() <= kPlain && subject.find("=?") == subject.npos)
    return std::string(subject);
  std::string field;
  while (!subject.empty()) {
    std::size_t take = std::min(kPiece, subject.size());
    while (take < subject.size() && (static_cast<unsigned char>(subject[take]) & 0xC0) == 0x80) --take;
    field += fmt::format("{}=?UTF-8?B?{}?=", field.empty() ? "" : "\r\n ", base64(subject.substr(0, take)));
    subject.remove_prefix(take);
  }
  return field;
}

// RFC 5322 section 3.3, in UTC and in no locale's words.
std::string date_field(std::int64_t ms) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = static_cast<time_t>(ms / 1000);
  tm t{};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[static_cast<std::size_t>(t.tm_wday)],
                     t.tm_mday, kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                     t.tm_sec);
}

// Line ends of the canonical form (RFC 2046 section 4.1.1), then base64 lines of 76.
std::string body_lines(std::string_view text) {
  std::string canonical;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) canonical += '\r';
    canonical += text[i];
  }
  const std::string encoded = base64(canonical);
  std::string lines;
  for (std::size_t i = 0; i < encoded.size(); i += 76) lines += encoded.substr(i, 76) + "\r\n";
  return lines;
}

std::unexpected<base::Error> malformed(std::string what) {
  return base::fail(Code::malformed, Side::config, std::move(what));
}

}  // namespace

base::Result<std::string> mail_message(const Mail& mail, std::string_view from) {
  if (!is_mail_address(from)) return malformed("the sender's address is no mail address");
  if (!is_mail_address(mail.to)) return malformed("the destination is no mail address");
  const bool control =
      std::any_of(mail.subject.begin(), mail.subject.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || !store::is_storable(mail.subject)) return malformed("the subject is not one line of UTF-8");
  if (!store::is_storable(mail.text)) return malformed("the text is no UTF-8");
  const bool named = !mail.id.empty() && mail.id.size() <= 200 &&
                     mail.id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
                         std::string::npos;
  if (!named) return malformed("the notice has no id to make a Message-ID of");
  return fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: {}\r\nMessage-ID: <{}@{}>\r\nSubject: {}\r\n"
      "Auto-Submitted: auto-generated\r\n"  // RFC 3834: no holiday answers, please
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
      date_field(mail.date_ms), from, mail.to, mail.id, from.substr(from.find('@') + 1), subject_field(mail.subject),
      body_lines(mail.text));
}

}  // namespace fairlead::control
