// Writes the contents that came back. States other than recovered and partial have nothing to write: zeros are never "recovered".
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "report/files.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve::report {

// `create` opens a new file by its path below the output folder, `finished` is told of each that is complete, `drop` of each that has to go
// because its content could not be read to the end.
void recover_contents(Examination& examination, const std::function<NewFile(const std::string&)>& create,
                      const std::function<void(const std::string&, const NewFile::Done&)>& finished,
                      const std::function<void(const std::string&)>& drop, const std::atomic<bool>* cancel);

}  // namespace trimcarve::report
