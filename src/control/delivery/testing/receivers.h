#pragma once
// What the tests of delivery share: things received as JSON, and a certificate for 127.0.0.1 in files that a receiver
// process can read. Header only.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "net/testing/receiver_process.h"
#include "net/testing/tls_certificates.h"

namespace fairlead::control::testing {

using net::testing::ReceiverProcess;

// The next thing received, or a failed test and null.
inline nlohmann::json received(ReceiverProcess& receiver) {
  const auto line = receiver.next();
  EXPECT_TRUE(line) << "nothing was received";
  return line ? nlohmann::json::parse(*line) : nlohmann::json();
}

inline bool nothing_received(ReceiverProcess& receiver) { return !receiver.next(std::chrono::milliseconds(0)); }

// A folder that goes with its owner.
class Folder {
 public:
  Folder() {
    std::string name = "/tmp/fairlead-delivery-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

// An authority's certificate, and what a receiver shows.
class TlsFiles {
 public:
  explicit TlsFiles(std::vector<std::string> names = {"127.0.0.1"})
      : identity_(net::testing::make_identity(std::move(names))) {
    folder_.write("cert.pem", identity_.leaf.pem);
    folder_.write("key.pem", identity_.leaf.key_pem);
  }
  const std::string& ca_pem() const { return identity_.authority.pem; }
  // `arguments` and the two files.
  std::vector<std::string> and_files(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--cert", folder_.path() + "/cert.pem", "--key", folder_.path() + "/key.pem"});
    return arguments;
  }

 private:
  Folder folder_;
  net::testing::TestIdentity identity_;
};

}  // namespace fairlead::control::testing
