// What happened, step by step, with each source that tells of a step beside the others.
#pragma once

#include <span>

#include "findings/hearing.hpp"
#include "findings/touch.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::findings {

// Steps in order of time: installed, configured, started, process, script, finished, made, disabled, uninstalled, removed, log_cleared,
// cloud. One of which no source states a time, or only bounds of one, stands where the clock of its volume's sequence numbers puts it
// (StoryStep::placed), else last; where times and numbers contradict each other the step's note says so. A step that several sources tell
// of has them all; two sources are of one step when they tell of the same version and request, or their times are within ten minutes.
std::vector<StoryStep> tell_story(const Examination& examination, const TargetReport& report, const Hearing& hearing,
                                  std::span<const Touching> touches);

}  // namespace trimcarve::findings
