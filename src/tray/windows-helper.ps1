# The notification-area icon of Windows, for Windows PowerShell 5.1 (powershell.exe -File). Speaks the lines of
# helper-protocol.ts on standard input and output. Not tried on Windows: written after the documentation of Windows
# Forms; a grammar has read it. It decides nothing: a click is an id, and what that means is known to the tray alone.
# A balloon has no buttons, so answers are in the menu; a click on the balloon opens the page at the question.
# No compiled code, no COM object, no temporary file: each of them has made virus scanners end helpers like this one.
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Windows.Forms
Add-Type -AssemblyName System.Drawing
[Console]::InputEncoding = New-Object Text.UTF8Encoding $false
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false

$protocolVersion = 1
$script:run = ''
$script:noticeId = 0
$script:reading = $null
$colours = @{
  idle = 'Gray'; waiting = 'DarkOrange'; warning = 'Firebrick'
  paused = 'SlateGray'; panic = 'Firebrick'; unreachable = 'DimGray'
}

function Write-Line([hashtable] $fields) {
  $fields['v'] = $protocolVersion
  $fields['run'] = $script:run
  [Console]::Out.WriteLine((ConvertTo-Json -Compress -InputObject $fields))
  [Console]::Out.Flush()
}

function New-StateIcon([string] $state, [string] $badge) {
  $bitmap = New-Object Drawing.Bitmap 32, 32
  $graphics = [Drawing.Graphics]::FromImage($bitmap)
  $graphics.SmoothingMode = 'AntiAlias'
  $name = $colours[$state]
  if (-not $name) { $name = 'Gray' }
  $brush = New-Object Drawing.SolidBrush ([Drawing.Color]::FromName($name))
  $graphics.FillEllipse($brush, 2, 2, 27, 27)
  $graphics.DrawEllipse([Drawing.Pens]::White, 2, 2, 27, 27)
  if ($badge) {
    $font = New-Object Drawing.Font 'Segoe UI', 13, ([Drawing.FontStyle]::Bold)
    $graphics.DrawString($badge, $font, [Drawing.Brushes]::White, 4, 3)
    $font.Dispose()
  }
  $brush.Dispose()
  $graphics.Dispose()
  return [Drawing.Icon]::FromHandle($bitmap.GetHicon())
}

function Add-Entries($items, $entries) {
  foreach ($entry in $entries) {
    if ($entry.separator) {
      [void] $items.Add((New-Object Windows.Forms.ToolStripSeparator))
      continue
    }
    $item = New-Object Windows.Forms.ToolStripMenuItem
    # An ampersand would become a key that answers.
    $item.Text = ([string] $entry.label).Replace('&', '&&')
    if ($entry.id) {
      $item.Tag = [long] $entry.id
      $item.add_Click({ param($sender, $arguments) Write-Line @{ type = 'click'; id = $sender.Tag } })
    } elseif ($entry.entries) {
      Add-Entries $item.DropDownItems $entry.entries
    } else {
      $item.Enabled = $false
    }
    [void] $items.Add($item)
  }
}

function Show-Model($line) {
  $old = $script:icon.Icon
  $script:icon.Icon = New-StateIcon $line.state $line.badge
  if ($old) { $old.Dispose() }
  $text = [string] $line.tooltip
  # Windows takes 63 characters at most, and throws for more.
  $script:icon.Text = $text.Substring(0, [Math]::Min(63, $text.Length))
  $script:menu.Items.Clear()
  Add-Entries $script:menu.Items $line.menu
  if ($line.notice) {
    $script:noticeId = [long] $line.notice.click
    if ($line.notice.isNew) {
      $kind = [Windows.Forms.ToolTipIcon]::Info
      $script:icon.ShowBalloonTip(30000, [string] $line.notice.title, [string] $line.notice.body, $kind)
    }
  }
}

function Read-Message([string] $text) {
  $line = ConvertFrom-Json -InputObject $text
  if ($line.v -ne $protocolVersion) { return }
  if ($line.type -eq 'hello') {
    $script:run = [string] $line.run
    Write-Line @{ type = 'ready' }
  }
  if ($line.run -ne $script:run) { return }
  if ($line.type -eq 'show') { Show-Model $line }
  if ($line.type -eq 'close') { [Windows.Forms.Application]::Exit() }
}

$script:menu = New-Object Windows.Forms.ContextMenuStrip
$script:menu.add_Opened({ Write-Line @{ type = 'menu'; open = $true } })
$script:menu.add_Closed({ Write-Line @{ type = 'menu'; open = $false } })
$script:icon = New-Object Windows.Forms.NotifyIcon
$script:icon.Icon = New-StateIcon 'idle' ''
$script:icon.ContextMenuStrip = $script:menu
$script:icon.add_BalloonTipClicked({ Write-Line @{ type = 'click'; id = $script:noticeId } })
$script:icon.Visible = $true

# Standard input is read beside the message loop: a timer looks whether a line has come.
$script:stdin = New-Object IO.StreamReader ([Console]::OpenStandardInput()), (New-Object Text.UTF8Encoding $false)
$timer = New-Object Windows.Forms.Timer
$timer.Interval = 50
$timer.add_Tick({
  try {
    if ($null -eq $script:reading) { $script:reading = $script:stdin.ReadLineAsync() }
    while ($script:reading.IsCompleted) {
      $text = $script:reading.Result
      if ($null -eq $text) {
        [Windows.Forms.Application]::Exit() # the tray has gone
        return
      }
      $script:reading = $script:stdin.ReadLineAsync()
      if ($text -ne '') { Read-Message $text }
    }
  } catch {
    Write-Line @{ type = 'problem'; text = [string] $_.Exception.Message }
  }
})
$timer.Start()
try {
  [Windows.Forms.Application]::Run()
} finally {
  $timer.Dispose()
  $script:icon.Visible = $false
  $script:icon.Dispose()
}
