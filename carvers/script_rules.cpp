#include "carvers/script_rules.hpp"

namespace trimcarve::carvers {

namespace {

using enum Language;
using enum RuleWeight;

#define CMDLET                                                                                                                         \
  "\\b(Add|Clear|Compress|ConvertFrom|ConvertTo|Copy|Disable|Enable|Expand|Export|Format|ForEach|Get|Import|Install|Invoke|Join|"      \
  "Measure|Move|New|Out|Push|Pop|Read|Register|Remove|Rename|Resolve|Restart|Select|Set|Sort|Split|Start|Stop|Test|Unregister|Update|" \
  "Where|Write)-[A-Z][a-z]+[A-Za-z]*\\b"

constexpr ScriptRule rules[]{
    // PowerShell: about_Approved_Verbs, about_Variables, about_Functions_Advanced, about_Operators.
    {powershell, strong, "cmdlet", CMDLET},
    {powershell, strong, "automatic variable",
     "\\$env:\\w|\\$null\\b|\\$true\\b|\\$false\\b|\\$_\\.\\w|\\$PS[A-Z]\\w|\\$ErrorActionPreference|\\$script:|\\$global:"},
    {powershell, line, "assignment", "^\\s*\\$[A-Za-z_]\\w*\\s*\\+?=\\s"},
    {powershell, line, "block", "^\\s*(if|elseif|foreach|while|switch|try|catch|finally|else)\\s*(\\(.+\\)\\s*)?\\{\\s*$", true},
    {powershell, strong, "parameter block", "^\\s*(param\\s*\\(|\\[CmdletBinding|\\[Parameter\\()", true},
    {powershell, line, "function", "^\\s*function\\s+[\\w:-]+\\s*(\\(.*\\)\\s*)?\\{?\\s*$", true},
    {powershell, line, "type",
     "\\[(string|int|bool|switch|array|hashtable|(System|Net|IO|Convert|Text|Environment|Security)(\\.\\w+)*)(\\[\\])?\\]", true},
    {powershell, line, "comparison", "\\s-(eq|ne|gt|lt|ge|le|like|notlike|match|notmatch|contains|not|and|or|join|split|replace)\\s", true},
    {powershell, line, "brace", "^\\s*[\\})]+;?\\s*$"},
    {powershell, alone, "encoded or unrestricted start", "powershell(\\.exe)?\\s.*-(e|en|enc|encodedcommand|ex|exec|executionpolicy|ep)\\s",
     true},
    {powershell, alone, "download", "(DownloadString|DownloadFile|DownloadData)\\(|\\bIEX\\s*\\(|New-Object\\s+(System\\.)?Net\\.WebClient",
     true},
    {powershell, comment, "comment", "^\\s*#"},
    {powershell, foreign, "perl", "^\\s*(my|our|use|sub|package|local)\\s+[\\w$@%({]|->\\w|=~|\\bqw\\(|^=(head|item|cut|over|back|pod)"},
    {powershell, foreign, "shell", "^\\s*(fi|done|esac|then|;;)\\b|\\$\\(\\(|\\s\\]\\]?;? *(then|&&)"},
    // Batch: the commands of cmd.exe.
    {batch, alone, "echo off", "^\\s*@?echo\\s+off\\b", true},
    {batch, strong, "variable", "%[A-Za-z_][A-Za-z0-9_()]{2,30}(:[^%\\n]{1,40})?%|%~[a-z]{0,6}[0-9]|!errorlevel!|%%[a-z]\\b", true},
    {batch, line, "command",
     "^\\s*@?(echo[ "
     ".]|set\\s+(/[ap]\\s+)?\"?\\w+=|if\\s+(/i\\s+)?(not\\s+)?(exist|defined|errorlevel|\"|%|!)|goto\\s+:?\\w|call\\s+[:%\"\\w]|for\\s+/"
     "|for\\s+%|setlocal|"
     "endlocal|pushd\\s|popd\\b|copy\\s|xcopy\\s|robocopy\\s|move\\s|del\\s|erase\\s|md\\s|mkdir\\s|rd\\s|rmdir\\s|type\\s|reg\\s+(add|"
     "delete|query)|net\\s+(user|stop|start|"
     "localgroup|use)|sc\\s+(create|config|stop|start|delete)|schtasks\\s|netsh\\s|icacls\\s|start\\s+(/|\")|exit\\s+/b|timeout\\s+/"
     "t|ping\\s+-n|taskkill\\s|cd\\s+/d|title\\s)",
     true},
    {batch, line, "label", "^:[A-Za-z_]\\w*\\s*$"},
    {batch, line, "bracket", "^\\s*\\)(\\s+else\\s+\\()?\\s*$", true},
    {batch, strong, "to nowhere", "(1|2)?>\\s*nul\\b", true},
    {batch, comment, "remark", "^\\s*@?(rem\\b|::)", true},
    {batch, foreign, "shell", "^\\s*(fi|done|esac|then)\\b|/dev/null|\\$\\{?\\w"},
    // VBScript: its language reference.
    {vbscript, alone, "script host",
     "\\bWScript\\.(Echo|Shell|Quit|CreateObject|Arguments|Sleep|ScriptFullName)|\\bSet\\s+\\w+\\s*=\\s*CreateObject\\(", true},
    {vbscript, alone, "on error", "^\\s*On Error (Resume Next|GoTo 0)\\s*$", true},
    {vbscript, strong, "block end", "^\\s*(End (If|Sub|Function|With|Select)|Wend|Loop( (While|Until)\\b)?|Next)\\s*$", true},
    {vbscript, line, "statement",
     "^\\s*(Dim\\s+\\w|Const\\s+\\w+\\s*=|Set\\s+\\w+\\s*=|If\\s.+\\sThen\\b|ElseIf\\s|Else\\s*$|Sub\\s+\\w+|Function\\s+\\w+\\s*\\(|For "
     "Each\\s|For\\s+\\w+\\s*=\\s|Do( While| "
     "Until)?\\b|While\\s|Call\\s+\\w|MsgBox\\b|\\w[\\w.()]*\\s*=\\s*\\S|\\w+\\.\\w[\\w.]*[\\s(])",
     true},
    {vbscript, comment, "comment", "^\\s*'"},
    {vbscript, foreign, "another", "[;{}]\\s*$|^\\s*(def|import|from|fi|done)\\s|:\\s*$|^\\s*#"},
    // Python: its language reference.
    {python, strong, "definition", "^\\s*(async\\s+)?(def\\s+\\w+\\s*\\(|class\\s+\\w+\\s*[(:])"},
    {python, strong, "import",
     "^\\s*(import\\s+[a-zA-Z_][\\w.]*(\\s+as\\s+\\w+)?(\\s*,\\s*[\\w.]+)*\\s*(#.*)?\\r?$|from\\s+[\\w.]+\\s+import\\s)"},
    {python, strong, "self",
     "\\bself\\.\\w|\\b__(init|new|del|name|main|all|future|file|doc|dict|class|str|repr|eq|hash|len|iter|next|call|enter|exit|getattr|"
     "setattr|getitem|setitem|contains|slots|version|import)__\\b"},
    {python, line, "block", "^\\s*((el)?if\\s.+|else|for\\s.+\\sin\\s.+|while\\s.+|try|finally|except(\\s.+)?|with\\s.+):\\s*(#.*)?$"},
    {python, line, "statement",
     "^\\s+(return\\b|raise\\s|yield\\b|assert\\b|pass\\s*$|break\\s*$|continue\\s*$|del\\s|global\\s)|^\\s*(@\\w|print\\(|[a-zA-Z_][\\w.]*"
     "(\\[[^\\]\\n]{1,60}\\])?\\s[+|-]?=\\s\\S|[a-zA-Z_]["
     "\\w.]*\\(.*[,(:)]\\s*$|[\\])},]+\\s*$|['\"\\[({].*[,(\\[{)\\]}]\\s*$|\\w+=.+[,)]\\s*$)"},
    {python, line, "continued",
     "^\\s{4,}\\S.*[,(\\[{:)\\]}\\\\]\\s*$|^\\s*(and|or|not)\\s|^\\s+\\S.*[,'\")\\]}]\\s+#\\s|\\bNone\\b|\\bTrue\\b|\\bFalse\\b"},
    {python, comment, "comment", "^\\s*#"},
    {python, foreign, "another", ";\\s*$|[{]\\s*$|^\\s*(fi|done|esac|my|sub|use|var|const|let|static|struct|End)\\b|^\\s*\\*|^\\s*//"},
    // Shell: POSIX's shell command language, and bash's.
    {shell, alone, "interpreter", "^#!\\s*/(usr/)?bin/(env\\s+)?(ba|da|k|z)?sh\\b"},
    {shell, strong, "reserved word",
     "^\\s*(fi|esac|done|then|do|;;|else)\\s*(;.*|#.*|[|<>&].*)?$|;\\s*(then|do)\\s*$|^\\s*case\\s.+\\sin\\s*$"},
    {shell, strong, "test",
     "\\b(if|elif|while|until)\\s+(!\\s*)?(\\[\\[?|test|command|grep|which|type|cmp)\\s|^\\s*\\[\\s.+\\s\\]\\s*(&&|\\|\\|)"},
    {shell, line, "parameter", "\\$(\\{[A-Za-z_#!0-9@*]|[0-9#@*?]|\\()|\"\\$[A-Za-z_]"},
    {shell, line, "assignment", "^\\s*(export\\s+|local\\s+|readonly\\s+|declare\\s+)?[A-Za-z_]\\w*=(\\S.*)?$"},
    {shell, line, "command",
     "^\\s*(echo|printf|exit|return|shift|set\\s+-[euxo]|export|local|eval|exec|trap|cat|cd|rm|mkdir|cp|mv|sed|awk|grep|chmod|chown|test|"
     "read|unset|source|\\.|break|continue|sudo|apt-get|"
     "systemctl)(\\s.*)?$|^\\s*\\w+\\s*\\(\\)\\s*\\{?\\s*$|^\\s*function\\s+\\w+"},
    {shell, line, "pattern or brace", "^\\s*[^\\s()]{1,60}\\)\\s*(.*;;)?\\s*$|^\\s*[{}]\\s*$|\\\\\\s*$|/dev/null|2>&1|>&2"},
    {shell, comment, "comment", "^\\s*#"},
    {shell, foreign, "another", "^\\s*(my|our|use|sub|package|def|class|import|from)\\s+\\S|->\\w|;\\s*$|=~|^\\s*//|^\\s*\\*"},
    // The extension's own: `domain.md`, sections 1 and 2.
    {settings, alone, "settings",
     "\"(runtimeSettings|handlerSettings|protectedSettings|protectedSettingsCertThumbprint|publicSettings|commandToExecute|fileUris)\"\\s*"
     ":",
     true},
    {settings, alone, "sealed for Azure", "MDkxNzA1BgoJkiaJk.{0,2}IsZAEZFidXaW5kb3dzIEF6dXJlIENSUCBDZXJ0aWZpY2F0ZSBHZW5lcmF0b3I"},
    {status, alone, "status",
     "\"(formattedMessage|substatus|timestampUTC|aggregateStatus|handlerAggregateStatus|configurationAppliedTime)\"\\s*:", true},
    {agent_log, alone, "line of a log",
     "^\\[[0-9]{4,10}(\\+[0-9]{8})?\\] (\\[[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:.]{8,12}\\]|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}Z) "
     "\\[[A-Z]{4,5}\\]"},
};
#undef CMDLET

// In the rules' order. A line's end may be written as in a string of JSON, so that a text in one shows before it is read; so no sign asks
// for what stands before it.
#define LINE_END R"((\r?\n|\\[rn]))"
constexpr ScriptSign signs[]{
    {powershell, R"((Get|Set|New|Write|Remove|Add|Start|Stop|Test|Invoke|Out|Each|Where|Select|Import|Export|Install)-[A-Z][a-z])"},
    {powershell, R"(\$env:|\$null|\$true|\$false|\$_\.|\$PS[A-Z]|\$Error|\$script:|\$global:)"},
    {powershell, R"(param\s?\()", true},
    {powershell, R"(\[CmdletB)", true},
    {powershell, R"(\[Parameter\()", true},
    {batch, R"(@?echo off)", true},
    {batch, R"(%[A-Za-z_][A-Za-z0-9_()]{2,30}[%:])"},
    {batch, R"(%~[a-z0-9])", true},
    {batch, R"(for %%|%%[a-z] in )", true},
    {batch, R"(!errorlevel!)", true},
    {batch, R"(>\s?nul\b)", true},
    {vbscript, R"(On Error (Resume|GoTo 0))", true},
    {vbscript, R"(end (if|sub|func|with|select))", true},
    {vbscript, R"((wend|loop|next))" LINE_END, true},
    {python, R"(def \w+\()"},
    {python, R"(class \w+ ?[(:])"},
    {python, R"(import [\w*])"},
    {python, R"(\bself\.\w)"},
    {python,
     R"(__(init|new|del|name|main|all|future|file|doc|dict|class|str|repr|eq|hash|len|iter|next|call|enter|exit|getattr|setattr|getitem|setitem|contains|slots|version|import)__)"},
    {shell, R"(#!\s*/(usr/)?bin/)"},
    {shell, R"(\bfi)" LINE_END},
    {shell, R"(esac)" LINE_END},
    {shell, R"(done)" LINE_END},
    {shell, R"(then)" LINE_END},
    {shell, R"(;[ \t](then|do))" LINE_END},
    {shell, R"(if (! )?\[)"},
    {shell, R"(if test)"},
    {shell, R"(if grep)"},
    {shell, R"(while (\[|!|read|test|true))"},
    {settings, R"("(runtimeSettings|handlerSettings|protectedSettings|publicSettings|commandToExecute|fileUris)\\")", true},
    {status, R"("(formattedMessage|substatus|timestampUTC|aggregateStatus|handlerAggregateStatus)\\")", true},
    {agent_log, R"(\] \[(INFO|WARN|ERROR|TRACE|HEART))"},
};
#undef LINE_END

}  // namespace

std::span<const ScriptRule> script_rules() noexcept { return rules; }
std::span<const ScriptSign> script_signs() noexcept { return signs; }

}  // namespace trimcarve::carvers
