#include "cli/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "model/file_reader.h"

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string words() { return std::generic_category().message(errno); }

std::string text_at(const Json& map, const char* key) {
  const auto at = map.find(key);
  return at != map.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

Told<std::string> credentials_path() {
  std::string name = "credentials.json";
  if (const char* profile = std::getenv("FAIRLEAD_PROFILE"); profile != nullptr && profile[0] != 0) {
    const std::string_view text(profile);
    const bool plain = std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (!plain || text.size() > 64) return trouble("FAIRLEAD_PROFILE is made of letters, digits, - and _");
    name = fmt::format("credentials-{}.json", text);
  }
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && config[0] == '/') {
    return fmt::format("{}/fairlead/{}", config, name);
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    return fmt::format("{}/.config/fairlead/{}", home, name);
  }
  return trouble("there is no place for tokens: neither HOME nor XDG_CONFIG_HOME is set");
}

Told<Credentials> read_credentials(const std::string& path) {
  struct stat info{};
  if ((::stat(path.c_str(), &info) != 0 && errno == ENOENT)) return Credentials();
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return trouble(
        fmt::format("{} can be read by others\nchmod 600 it, and make new tokens if somebody may have", path));
  }
  const auto text = model::read_file(path);
  if (!text) return trouble(fmt::format("{} cannot be read: {}", path, text.error().context));
  const Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object())
    return trouble(fmt::format("{} is not what `fairlead login` writes\nremove it and log in again", path));
  Credentials out;
  out.current = text_at(json, "current");
  const auto servers = json.find("servers");
  if (servers != json.end() && servers->is_object()) {
    for (const auto& [url, entry] : servers->items()) {
      if (!entry.is_object()) continue;
      out.servers[url] = {text_at(entry, "token"), text_at(entry, "token_id"), text_at(entry, "ca_file")};
    }
  }
  return out;
}

Told<void> write_credentials(const std::string& path, const Credentials& credentials) {
  Json json{{"current", credentials.current}, {"servers", Json::object()}};
  for (const auto& [url, entry] : credentials.servers) {
    json["servers"][url] = {{"token", entry.token}, {"token_id", entry.token_id}, {"ca_file", entry.ca_file}};
  }
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";

  std::error_code failed;
  const fs::path folder = fs::path(path).parent_path();
  if (!fs::exists(folder, failed)) {
    fs::create_directories(folder, failed);
    if (!failed) fs::permissions(folder, fs::perms::owner_all, failed);
  }
  const std::string draft = fmt::format("{}.{}", path, ::getpid());
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return trouble(fmt::format("{} cannot be written: {}", draft, words()));
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool good = done == text.size() && ::fsync(file) == 0;
  const std::string why = good ? "" : words();
  ::close(file);
  if (!good || ::rename(draft.c_str(), path.c_str()) != 0) {
    const std::string reason = good ? words() : why;
    ::unlink(draft.c_str());
    return trouble(fmt::format("{} cannot be written: {}", path, reason));
  }
  return {};
}

}  // namespace fairlead::cli
