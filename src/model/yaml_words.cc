#include "model/yaml_words.h"

#include <fmt/format.h>

namespace fairlead::model {

YamlError explain_yaml_error(std::string_view words) {
  struct Translation {
    std::string_view theirs;
    const char* ours;
    const char* hint;
  };
  static constexpr Translation kTranslations[] = {
      {"illegal tab when looking for indentation", "a tab stands in the indentation", "YAML indents with spaces only"},
      {"end of map flow not found", "a \"{\" is never closed, or a \",\" is missing before this", "add the \"}\""},
      {"end of sequence flow not found", "a \"[\" is never closed, or a \",\" is missing before this", "add the \"]\""},
      {"illegal flow end", "a closing bracket has no opening one", ""},
      {"end of map not found", "this does not belong to the map above it",
       "check that the keys of a map begin in the same column and end in \":\""},
      {"end of sequence not found", "this does not belong to the list above it",
       "check that the \"-\" of a list stand in the same column"},
      {"illegal map value", "a \":\" stands where no value can begin",
       "check the indentation, and quote texts that contain \": \""},
      {"illegal map key", "a key cannot begin here", "check the indentation"},
      {"illegal block entry", "a \"-\" cannot begin a list here", "put the list on the lines after its key"},
      {"illegal EOF in scalar", "a quoted text is never closed", ""},
      {"the referenced anchor is not defined", "the alias refers to an anchor that is not defined above it",
       "a text that begins with \"*\" has to be quoted: \"*.example.com\""},
      {"unknown token", "a text cannot begin with this character", "quote it"},
      {"alias not found after *", "a value that begins with \"*\" is an alias of YAML",
       "quote it, for example \"*.example.com\""},
      {"illegal character found while scanning alias", "a value that begins with \"*\" is an alias of YAML",
       "quote it, for example \"*.example.com\""},
  };
  for (const auto& t : kTranslations) {
    if (words.starts_with(t.theirs)) return {t.ours, t.hint};
  }
  return {fmt::format("not valid YAML: {}", words), ""};
}

}  // namespace fairlead::model
