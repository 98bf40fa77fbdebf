#pragma once
// GeoDatabase: one file in MaxMind's format (libmaxminddb), open for look-ups. Owned by a GeoTable.
//
// The file is copied into memory first and looked up there: who writes a new one over it in place, instead of renaming,
// does not take pages away from under the workers, and what was checked is what is used. The check reads the whole
// search tree and every record it leads to, so that a file that was cut off or damaged there is refused, not half
// believed.

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace fairlead::edge {

class GeoDatabase {
 public:
  // Blocks, for up to about a second. Errors (config side; the context does not repeat the path): not_found, forbidden,
  // malformed (no such database, or damaged), resources.
  static base::Result<std::unique_ptr<const GeoDatabase>> open(const std::string& path);
  ~GeoDatabase();

  // Any thread. The texts live as long as the database does, and are empty when it does not know.
  struct Country {
    std::string_view country;      // "CN" (ISO 3166-1)
    std::string_view subdivision;  // "GD": the largest one, without the country (ISO 3166-2)
  };
  Country country(const net::SocketAddress& address) const;
  // The ISP, else the autonomous system's organisation, else its number.
  struct Network {
    std::string_view name;
    std::uint32_t number = 0;
  };
  Network network(const net::SocketAddress& address) const;

 private:
  struct Open;
  explicit GeoDatabase(std::unique_ptr<Open> open);
  std::unique_ptr<Open> open_;
};

}  // namespace fairlead::edge
