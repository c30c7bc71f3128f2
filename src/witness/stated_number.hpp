// Numbers as agents and handlers state them in sentences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trimcarve::witness {

// The number behind blanks, colons, equals signs and an opening quotation mark at `at`: decimal, perhaps negative, or 0x and up to eight
// hexadecimal digits, which are the 32 bits of a signed number as .NET tells it elsewhere: 0xC0000005 is -1073741819. Nothing for what only
// begins like a number ("1.5", "12ab") or lacks its closing quotation mark.
std::optional<std::int64_t> number_at(std::string_view text, std::size_t at) noexcept;

// The exit code that a message states of its own command:
//   Command exited with code: 1          ... finished with exit code: 0          ... a non-zero exit code of: '1'
// The first of these phrases that states one; what the message quotes of the command's output ("... an error output of: '...'") is the
// command's word. `whole`: false when the message may go on behind the text's end, then a number that ends there is none.
std::optional<std::int64_t> exit_code_in(std::string_view message, bool whole = true) noexcept;

}  // namespace trimcarve::witness
