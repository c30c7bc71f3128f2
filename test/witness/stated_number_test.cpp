// What vouches for the sentences: agent_message.hpp names where real ones are public (decimal codes; the non-zero code in quotation marks
// is in statuses of ../shared/data/azure). 0xC0000005 is STATUS_ACCESS_VIOLATION, which .NET's Process.ExitCode, an Int32, gives as
// -1073741819 (Microsoft's documentation of both).
#include "witness/stated_number.hpp"

#include <doctest/doctest.h>

using trimcarve::witness::exit_code_in;
using trimcarve::witness::number_at;

TEST_CASE("an exit code is the number that the message states, decimal or hexadecimal") {
  CHECK(exit_code_in("Command execution finished. Command exited with code: 0") == 0);
  CHECK(exit_code_in("Command execution finished. Command exited with code: -196608") == -196608);
  CHECK(exit_code_in("RunCommand script execution finished with exit code: 12") == 12);
  CHECK(exit_code_in("but failed because it returned a non-zero exit code of: '1'.") == 1);
  CHECK(exit_code_in("Command exited with code: 0xC0000005") == -1073741819);
  CHECK(exit_code_in("Command exited with code: 0x1.") == 1);
  CHECK(exit_code_in("exit code of: '0XC0000005'") == -1073741819);
  CHECK(exit_code_in("exit code 5") == 5);
  for (const char* none : {"", "exit code", "exit code: ", "exit code: x", "exit code: 0x", "exit code: 0xC00000050", "exit code: 12ab",
                           "exit code: 1.5", "exit code: '3", "exit code of: 1", "exited with code: 0x1G", "exiting code: 5"}) {
    CAPTURE(none);
    CHECK_FALSE(exit_code_in(none).has_value());
  }
}

TEST_CASE("the first phrase that states a code counts, and the output that a message quotes is not its own word") {
  CHECK(exit_code_in("finished, but failed because it returned a non-zero exit code of: '1'. The command had an error output of: 'child "
                     "exited with code 0'") == 1);
  CHECK_FALSE(exit_code_in("Command execution finished. The command had an error output of: 'child exited with code 0'").has_value());
  CHECK(exit_code_in("exit code: 3 (then exited with code: 4)") == 3);
  CHECK(exit_code_in("the exit code is logged; exited with code: 4") == 4);
}

TEST_CASE("a number at the end of a message that goes on elsewhere is none") {
  CHECK(exit_code_in("exited with code: 10", true) == 10);
  CHECK_FALSE(exit_code_in("exited with code: 10", false).has_value());
  CHECK(exit_code_in("exited with code: 10.", false) == 10);
  CHECK(exit_code_in("exit code of: '10'", false) == 10);
}

TEST_CASE("a number is read behind colons and blanks, as far as it is one") {
  CHECK(number_at("Sequence Number: -1 Increase", 15) == -1);
  CHECK(number_at("x=0x10", 1) == 16);
  CHECK_FALSE(number_at("7", 1).has_value());
  CHECK_FALSE(number_at("7", 5).has_value());
  CHECK_FALSE(number_at("99999999999999999999", 0).has_value());
}
