// Which keys of which hive speak of a VM extension or of how the machine was set up, and what each states.
//
// SOFTWARE: the agent's state of handlers (Microsoft\Windows Azure\HandlerState\<Publisher.Type>_<version>), what else the agent keeps,
// certificates, Windows' own installation. SYSTEM: Setup, the computer's name, ShimCache, services of the agent and of handlers. Amcache:
// programs of handlers. Sources: Microsoft's public troubleshooting scripts for Azure machines (Windows Azure, GuestAgent), winreg-kb
// (AppCompatCache, CurrentVersion, Setup), libyal's and others' descriptions of Amcache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "witness/hive_key.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

enum class HiveKind : std::uint8_t { unknown, software, system, amcache };
std::string_view to_string(HiveKind kind) noexcept;
// By the names of the root's keys; else by the name Windows gave the file, else by its path.
HiveKind recognise_hive(const std::vector<std::string>& root_keys, std::string_view embedded_name, std::string_view path);

// True when the key, or one below it, may state something. `rooted` as in HiveKey.
bool may_lead_to_topic(const KeyPath& path);
bool is_topic(const KeyPath& path, bool rooted);

struct Stated {
  std::uint64_t emitted = 0;
  std::uint64_t damaged = 0;  // entries of a value that could not be read, or a value of a form that is not known
};
// Emits what the key states. `scratch` is filled anew for each statement.
Stated state_key(const HiveKey& key, HiveKind kind, Statement& scratch, const StatementSink& sink);

// A deleted value that no key claims: it speaks when its text holds a path below a handler's folder.
std::uint64_t state_loose_value(const HiveValue& value, std::uint64_t offset, std::uint64_t length, HiveKind kind, Statement& scratch,
                                const StatementSink& sink);
// Entries of ShimCache in unallocated bytes at `offset` of the hive.
std::uint64_t state_free_space(ByteView bytes, std::uint64_t offset, HiveKind kind, Statement& scratch, const StatementSink& sink);

}  // namespace trimcarve::witness
