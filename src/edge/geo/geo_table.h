#pragma once
// GeoTable: which region and which ISP a client's address belongs to (R24), out of files of the operator: a city or
// country file and an ASN or ISP file in MaxMind's format, and a table of networks of the operator's own, whose answers
// go before those of the files. Immutable once loaded; workers share one and look up once per connection (1 to 3 us
// with two large files; no memory but for a name that is new). GeoReloader makes a new one when a file changes.
//
// What is not known is `unknown`: PlaceId(). So are private, loopback and link-local addresses and Unix sockets, unless
// the operator's table names them. An IPv4 address is the same written as IPv6 (::ffff:a.b.c.d).

#include <expected>
#include <memory>
#include <vector>

#include "edge/geo/places.h"
#include "model/edge_config.h"
#include "model/problem.h"
#include "net/address.h"

namespace fairlead::edge {

class GeoDatabase;
class NetworkTable;

class GeoTable {
 public:
  using Ptr = std::shared_ptr<const GeoTable>;

  // Reads the files that `config` names; of none, a table that knows nothing. `places` outlives the table. Blocks, for
  // about a second with the largest files: each is read and checked as a whole. Errors are told as
  // those of the configuration: a file with what is wrong with it, in the table of networks with line and column.
  static std::expected<Ptr, std::vector<model::Problem>> load(const model::GeoConfig& config, Places& places);
  // Knows nothing.
  static Ptr empty();

  ~GeoTable();
  // Any thread.
  PlaceId find(const net::SocketAddress& address) const;

 private:
  GeoTable();
  std::unique_ptr<const GeoDatabase> city_, asn_;
  std::unique_ptr<const NetworkTable> networks_;
  Places* places_ = nullptr;  // of whichever answers there are
  bool subdivisions_ = false;
};

}  // namespace fairlead::edge
