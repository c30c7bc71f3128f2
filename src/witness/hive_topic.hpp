// Which keys of which hive speak of a VM extension or of how the machine was set up.
//
// SOFTWARE: the agent's state of handlers (Microsoft\Windows Azure\HandlerState\<Publisher.Type>_<version>), what else the agent keeps,
// certificates, Windows' own installation. SYSTEM: Setup, the computer's name, ShimCache, services of the agent and of handlers. Amcache:
// programs of handlers. Sources: Microsoft's public troubleshooting scripts for Azure machines (Windows Azure, GuestAgent), winreg-kb
// (AppCompatCache, CurrentVersion, Setup), libyal's and others' descriptions of Amcache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "witness/hive_key.hpp"

namespace trimcarve::witness {

enum class HiveKind : std::uint8_t { unknown, software, system, amcache };
std::string_view to_string(HiveKind kind) noexcept;
// By the names of the root's keys; else by the name Windows gave the file, else by its path.
HiveKind recognise_hive(const std::vector<std::string>& root_keys, std::string_view embedded_name, std::string_view path);

// True when the key, or one below it, may state something.
bool may_lead_to_topic(const KeyPath& path);

enum class Topic : std::uint8_t {
  none,
  handler_state,
  agent,
  certificate,
  windows,
  setup,
  computer_name,
  program_cache,
  inventory,
  file_inventory,
  service,
};
// Of the key itself. `rooted` as in HiveKey: when the path's beginning is lost, enough of the rest must be there.
Topic topic_of(const KeyPath& path, bool rooted);

}  // namespace trimcarve::witness
