#pragma once
// The texts of e-mails, by the type of the event, in English and in Chinese. Constants. A line names values of the
// event's data in braces, "{domain}"; a line that names one the event does not have is left out.

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace fairlead::control {

struct NoticeText {
  std::string_view type;
  std::string_view subject_en, subject_zh;
  std::string_view body_en, body_zh;
};

// nullptr when there is no event of that type.
const NoticeText* notice_text(std::string_view type);

// The lines of `text` with the values of `data` (texts and numbers of an object; line ends in them become spaces).
std::string fill_in(std::string_view text, const nlohmann::json& data);

}  // namespace fairlead::control
