// Any bytes as haproxy's configuration. What follows a line "#---" is the text of every file that the first part names.

#include "fuzz/fuzz_import.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("#---\n"), text.size());
  fairlead::fuzz::check_import(fairlead::cli::import_haproxy, text.substr(0, cut),
                               text.substr(std::min(cut + 5, text.size())));
  return 0;
}
