// Where a text names a VM extension's handler.
#pragma once

#include <string>
#include <string_view>

#include "witness/handler_name.hpp"

namespace trimcarve::witness {

struct HandlerMention {
  bool found = false;   // a handler, or a folder or program that only handlers have
  std::string handler;  // "Microsoft.Compute.CustomScriptExtension", as the text spells it; empty when only its program is named
  std::string version;  // when it stands next to the name: "1.10.12"
};

// Known handlers by name, their programs, and whatever stands below \Packages\Plugins\ or \WindowsAzure\Logs\Plugins\ (either slash, any
// case). The first mention that names a handler, else the first.
HandlerMention find_handler(std::string_view text);

}  // namespace trimcarve::witness
