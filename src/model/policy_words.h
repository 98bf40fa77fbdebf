#pragma once
// The words of a domain's document for the values of DomainPolicy's enumerations: what the readers look for and the
// writer (write_domain.h) writes. Internal to the folder.

#include <cstddef>
#include <string_view>

#include "model/domain_policy.h"
#include "model/schema_reader.h"

namespace fairlead::model {

inline constexpr Choice<Acceleration> kAcceleration[] = {{"whole-site", Acceleration::whole_site},
                                                         {"static", Acceleration::static_}};
inline constexpr Choice<SendProxy> kSendProxy[] = {
    {"off", SendProxy::off}, {"v1", SendProxy::v1}, {"v2", SendProxy::v2}};
inline constexpr Choice<OriginPriority> kPriority[] = {{"primary", OriginPriority::primary},
                                                       {"backup", OriginPriority::backup}};
inline constexpr Choice<BalancePolicy> kBalance[] = {{"round-robin", BalancePolicy::round_robin},
                                                     {"least-sessions", BalancePolicy::least_sessions},
                                                     {"consistent-hash", BalancePolicy::consistent_hash}};
inline constexpr Choice<HashKey> kHashKey[] = {{"client-address", HashKey::client_address},
                                               {"header", HashKey::header},
                                               {"cookie", HashKey::cookie},
                                               {"path", HashKey::path},
                                               {"query", HashKey::query}};
inline constexpr Choice<Persistence> kPersistence[] = {{"none", Persistence::none}, {"cookie", Persistence::cookie}};
inline constexpr Choice<OriginScheme> kOriginScheme[] = {
    {"follow", OriginScheme::follow}, {"http", OriginScheme::http}, {"https", OriginScheme::https}};
inline constexpr Choice<OnDisable> kOnDisable[] = {
    {"close", OnDisable::close}, {"drain", OnDisable::drain}, {"keep", OnDisable::keep}};
inline constexpr Choice<HeartbeatTo> kHeartbeatTo[] = {
    {"client", HeartbeatTo::client}, {"origin", HeartbeatTo::origin}, {"both", HeartbeatTo::both}};
inline constexpr Choice<OriginScheme> kCheckScheme[] = {{"http", OriginScheme::http}, {"https", OriginScheme::https}};
inline constexpr Choice<TlsVersion> kTlsVersion[] = {{"TLSv1.2", TlsVersion::tls1_2}, {"TLSv1.3", TlsVersion::tls1_3}};

template <class E, std::size_t N>
std::string_view word_of(const Choice<E> (&choices)[N], E value) {
  for (const Choice<E>& choice : choices) {
    if (choice.value == value) return choice.word;
  }
  return choices[0].word;
}

}  // namespace fairlead::model
