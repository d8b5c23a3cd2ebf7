@echo off
rem Starts src\main.ts under the Node.js that came with the packages. Written for Windows but not tried there yet.
rem main.ts itself takes the variables out of its process that the launcher for other systems moves aside.
setlocal
set "NODE_EXE=%~dp0..\node_modules\node\bin\node.exe"
if not exist "%NODE_EXE%" (
  echo sallyport: its packages are not installed; run npm ci in "%~dp0.." 1>&2
  exit /b 1
)
"%NODE_EXE%" "%~dp0main.ts" %*
exit /b %ERRORLEVEL%
