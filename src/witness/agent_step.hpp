// Whether a line says that a handler was installed, enabled, disabled, uninstalled or updated. Statement::deed and status as
// agent_message.hpp says. Of most of these lines no real one is known, so words are matched, never sentences; but a step is never claimed
// from a line that denies it ("Skipping uninstall of ..."), only intends it ("... will be uninstalled"), says that it failed, or speaks of
// another thing
// ("Disabling auto-upgrade of ...", "Deleting <folder of the handler>\Status\3.status").
#pragma once

#include <cstddef>
#include <string_view>

#include "trimcarve/statement.hpp"
#include "witness/handler_name.hpp"

namespace trimcarve::witness {

// Of a line, by whomever, that names a handler.
void read_agent_step(std::string_view text, const Mention& mention, Statement& out);

// Of a line in a handler's own log.
void read_own_step(std::string_view text, Statement& out);

// Of an operation given by one word ("Uninstall", "enable", "disable.cmd"); Deed::other when it is none of these.
Deed step_of(std::string_view operation) noexcept;

// Whether the sentence around what stands at `at` denies or only intends it: "not", "skipping", "will be" and their like before it; behind
// it only what cannot be said of the reason for it.
bool is_denied(std::string_view text, std::size_t at);

// Whether a text denies a step of any kind.
bool denies_step(std::string_view text);

// Words for what did not come off, anywhere in the text, or an agent's code other than 0.
bool says_failed(std::string_view text);

}  // namespace trimcarve::witness
