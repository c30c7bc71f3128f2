#include "findings/benign.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace trimcarve::findings {

namespace {

enum class Where : std::uint8_t { command, uri, path };

// All parts must stand in one text, in lower case here. Each row is a trace that its user's public sources show word for word, and that
// nobody writes by chance: never an interpreter, an option or a site where everybody keeps files.
struct Pattern {
  std::string_view label;
  Where where;
  std::array<std::string_view, 2> parts;
};

constexpr Pattern patterns[] = {
    // Azure/AgentBaker, parts/windows/csecmd.ps1 and kuberneteswindowssetup.ps1; Azure/aks-engine had the same names before.
    {"AKS Windows node", Where::command, {R"(\azuredata\customdata.bin)", R"(\azuredata\customdatasetupscript.ps1)"}},
    {"AKS Windows node", Where::command, {"-cseresultfilepath", R"(\azuredata\)"}},
    {"AKS Windows node", Where::path, {R"(\azuredata\cseresult.log)", ""}},
    {"AKS Windows node", Where::path, {R"(\azuredata\customdatasetupscript.)", ""}},
    {"AKS Windows node", Where::path, {R"(\azuredata\provision.complete)", ""}},
    {"AKS Windows node", Where::path, {R"(\k\windowsnodereset.ps1)", ""}},
    {"AKS Windows node", Where::path, {R"(\azuredata\k8s\)", ""}},
    // Azure/RDS-Templates: ARM-wvd-templates (DSC: Configuration.ps1\AddSessionHost; HCI: HciCustomScript.ps1,
    // Script-SetupSessionHost.ps1).
    {"Azure Virtual Desktop session host", Where::uri, {"://wvdportalstorageblob.blob.core.", "/galleryartifacts/"}},
    {"Azure Virtual Desktop session host", Where::uri, {"://raw.githubusercontent.com/azure/rds-templates/", "/arm-wvd-templates/"}},
    {"Azure Virtual Desktop session host", Where::command, {"script-setupsessionhost.ps1", "-registrationinfotoken"}},
    {"Azure Virtual Desktop session host", Where::command, {"hcicustomscript.ps1", "-registrationinfotoken"}},
    {"Azure Virtual Desktop session host", Where::path, {R"(\script-setupsessionhost.ps1)", ""}},
    // Microsoft, "Azure Virtual Machine Scale Set agents": the life of an agent; its extension downloads enableagent.ps1.
    {"Azure Pipelines agent", Where::uri, {"://vstsagenttools.blob.core.windows.net/tools/elasticpools/", ""}},
    {"Azure Pipelines agent", Where::uri, {"://vstsagentpackage.azureedge.net/agent/", ""}},
    {"Azure Pipelines agent", Where::uri, {"://download.agent.dev.azure.com/agent/", ""}},
    {"Azure Pipelines agent", Where::command, {"://vstsagenttools.blob.core.windows.net/tools/elasticpools/", ""}},
    {"Azure Pipelines agent", Where::command, {"vsts-agent-win-x64-", ".zip"}},
    {"Azure Pipelines agent", Where::path, {R"(\vsts-agent-win-x64-)", ".zip"}},
    // Azure/azure-devtestlab, Artifacts/windows-*; artifact scripts that set DevTestLabsArtifactsPath to the folder.
    {"Azure DevTest Labs artifact", Where::uri, {"://raw.githubusercontent.com/azure/azure-devtestlab/", "/artifacts/windows-"}},
    {"Azure DevTest Labs artifact", Where::path, {R"(\devtestlabs\artifacts\)", ""}},
    // ansible/ansible and ansible/ansible-documentation, examples/scripts.
    {"Ansible remoting setup", Where::uri, {"://raw.githubusercontent.com/ansible/", "/examples/scripts/configureremotingforansible.ps1"}},
    {"Ansible remoting setup",
     Where::command,
     {"://raw.githubusercontent.com/ansible/", "/examples/scripts/configureremotingforansible.ps1"}},
    {"Ansible remoting setup", Where::path, {R"(\configureremotingforansible.ps1)", ""}},
    // Puppet Enterprise, "Install Windows agents": the primary server's install.ps1.
    {"Puppet agent installation", Where::uri, {":8140/packages/current/install.ps1", ""}},
    {"Puppet agent installation", Where::command, {":8140/packages/current/install.ps1", ""}},
    // Chef's documentation: the installer's address, and where its client keeps the configuration on Windows.
    {"Chef client installation", Where::uri, {"://omnitruck.chef.io/", "install.ps1"}},
    {"Chef client installation", Where::command, {"://omnitruck.chef.io/", "install.ps1"}},
    {"Chef client installation", Where::path, {R"(\chef\client.rb)", ""}},
    // Azure/azure-quickstart-templates: vms-with-selfhost-integration-runtime.
    {"Data Factory integration runtime",
     Where::uri,
     {"://raw.githubusercontent.com/azure/azure-quickstart-templates/", "/gatewayinstall.ps1"}},
    {"Data Factory integration runtime", Where::command, {"gatewayinstall.ps1", "ir@"}},
    // Azure/jenkins, agents_scripts, and Azure/azure-devops-utils, powershell: how a Windows machine becomes an agent.
    {"Jenkins agent on Azure", Where::uri, {"://raw.githubusercontent.com/azure/", "/jenkins-windows-init-script"}},
    {"Jenkins agent on Azure", Where::command, {"jenkins-windows-init-script", ".ps1"}},
    {"Jenkins agent on Azure", Where::path, {R"(\jenkins-windows-init-script)", ".ps1"}},
    // hashicorp/packer, provisioner/powershell and the elevated runner: their uploads to C:/Windows/Temp. Image Builder runs Packer.
    {"Packer or Azure Image Builder", Where::path, {R"(\temp\packer-elevated-shell-)", ""}},
    {"Packer or Azure Image Builder", Where::path, {R"(\temp\packer-ps-env-vars-)", ""}},
    // Microsoft, "Set up an appliance with a script" (Migrate); "Install the Mobility service" (Site Recovery).
    {"Azure Migrate or Site Recovery", Where::command, {"azuremigrateinstaller.ps1", "-scenario"}},
    {"Azure Migrate or Site Recovery", Where::path, {R"(\azuremigrateinstaller.ps1)", ""}},
    {"Azure Migrate or Site Recovery", Where::command, {"unifiedagentconfigurator.exe", "/csendpoint"}},
    {"Azure Migrate or Site Recovery", Where::path, {R"(\microsoft azure site recovery\agent\)", ""}},
    // Microsoft, "Install Log Analytics agent on Windows computers": the installer with its workspace.
    {"Azure monitoring agent installation", Where::command, {"mmasetup-amd64.exe", "opinsights_workspace_id"}},
    {"Azure monitoring agent installation", Where::command, {"://go.microsoft.com/fwlink/?linkid=828603", ""}},
    // Microsoft's Service Fabric troubleshooting guides: where the runtime is installed.
    {"Service Fabric node", Where::path, {R"(\microsoft service fabric\bin\fabric\)", ""}},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool holds(std::string_view text, const Pattern& pattern) {
  return std::ranges::all_of(pattern.parts, [&](std::string_view part) {
    if (pattern.where == Where::uri && part.starts_with("://")) {  // the host, not something in a path or query
      text.remove_prefix(std::min(text.find("://"), text.size()));
      return std::ranges::equal(text.substr(0, part.size()), part, {}, lower);
    }
    return part.empty() || !std::ranges::search(text, part, {}, lower).empty();
  });
}

std::string basis_of(const char* what, std::string_view text, const Pattern& pattern) {
  std::string out = what;
  // As the evidence writes it, not as the table does.
  for (const char* join = " holds \""; const std::string_view part : pattern.parts) {
    if (part.empty()) continue;
    const auto found = std::ranges::search(text, part, {}, lower);
    out += join + std::string(found.begin(), found.end()) + "\"";
    join = " and \"";
  }
  return out;
}

std::string match(const RunRecord& run, const Pattern& pattern) {
  switch (pattern.where) {
    case Where::command:
      if (holds(run.command, pattern)) return basis_of("command", run.command, pattern);
      break;
    case Where::uri:
      for (const std::string& uri : run.file_uris)
        if (holds(uri, pattern)) return basis_of("a fileUri", uri, pattern);
      break;
    case Where::path:
      for (const auto* list : {&run.scripts, &run.made})
        for (const ScriptReport& script : *list)
          if (holds(script.path, pattern))
            return basis_of(list == &run.scripts ? "a script's path" : "a made file's path", script.path, pattern);
      for (const CreatedFile& file : run.created_elsewhere)
        if (holds(file.path, pattern)) return basis_of("path of a file created meanwhile", file.path, pattern);
      break;
  }
  return {};
}

}  // namespace

std::vector<Label> label_run(const RunRecord& run) {
  std::vector<Label> out;
  for (const Pattern& pattern : patterns) {
    if (std::ranges::any_of(out, [&](const Label& label) { return label.name == pattern.label; })) continue;
    if (std::string basis = match(run, pattern); !basis.empty()) out.push_back({std::string(pattern.label), std::move(basis)});
  }
  return out;
}

}  // namespace trimcarve::findings
