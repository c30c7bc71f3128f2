// Who else uses the extension, by what they leave. Azure's own services and common deployment tools run commands through it on thousands of
// machines; their traces look like an attacker's until they are known. A label says only that a run looks like one of them, and by what:
// whoever knows a tool can imitate it. It judges nothing and hides nothing.
#pragma once

#include <string>
#include <vector>

#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

struct Label {
  std::string name;   // "AKS Windows node"
  std::string basis;  // what matched: `command holds "CustomDataSetupScript.ps1"`
};

// At most one label of each name, in the table's order. Text is compared without case (ASCII).
std::vector<Label> label_run(const RunRecord& run);

}  // namespace trimcarve::findings
