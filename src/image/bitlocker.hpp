// A BitLocker volume, decrypted by libbde.
//
// Two views of one volume: what it says (plain), and what is stored (cipher). Discarded clusters are zero where they are stored and noise
// above, so the plain view's `extents` calls a stretch that is stored as zeros a hole, and reads it as zeros: encryption never gives 4 KiB
// of them. Threads: the view is thread-safe; one call at a time enters the library.
#pragma once

#include <string>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

// What opens the volume; those that are given are tried. A volume with a clear key (protection suspended) needs none.
struct BitlockerKeys {
  std::string recovery_password;  // 48 digits in eight groups
  std::string password;
  SourcePtr startup_key;  // a .BEK file
  bool any() const noexcept { return !recovery_password.empty() || !password.empty() || startup_key != nullptr; }
};

// The 48 digits in a text that Windows saved (UTF-16 or UTF-8) or that holds them alone; empty: there are none, or no group is a multiple
// of 11 as each must be.
std::string find_recovery_password(ByteView text);

struct BitlockerVolume {
  SourcePtr plain;     // locate() answers where the cipher text lies
  std::string method;  // "AES-XTS 128", ...
};

// Fails when no key fits (the text says so), the volume is damaged, or this program was built without libbde.
Result<BitlockerVolume> unlock_bitlocker(const SourcePtr& partition, const BitlockerKeys& keys);

}  // namespace trimcarve::image
