#pragma once
// The YAML library's error texts in words for those who write configurations. Its own are for its authors: "end of map
// flow not found" is a bracket that was never closed.

#include <string>
#include <string_view>

namespace fairlead::model {

struct YamlError {
  std::string message;
  std::string hint;  // may be empty
};

// `words`: the library's text. One that is not known is passed on as it is.
YamlError explain_yaml_error(std::string_view words);

}  // namespace fairlead::model
