// Words in command lines and names in URIs.
#pragma once

#include <string>
#include <string_view>

namespace trimcarve::findings {

// Is this the name of something that can be run, by its ending? `name` in lower case.
bool runnable(std::string_view name);

// %20 and the like undone.
std::string percent_decoded(std::string_view text);

// Does a file's name stand in a command line as a word of its own? "e.ps1" does not stand in "remove.ps1". Both in lower case.
bool stands_in(std::string_view text, std::string_view name);

}  // namespace trimcarve::findings
