/*
 * Stands in for Windows PowerShell, of which Wine has only the name: it knows as much of the language as the agent's own
 * lines have, and for scripts these commands, one a line:
 *
 *   Write-Output 'text', Write-Error 'text', Write-Output $args, $PWD or $env:NAME
 *   Wait-File 'path'   until there is such a file
 *   Start-Child        starts a process that has no end, and tells its number
 *   Start-Orphan       the same by a process in between, which ends
 *   Read-Input         tells how many bytes there are on standard input
 *   exit N
 *
 * With a file called `hold` beside it, it makes `held` there and does not come up before there is `go`, as under a virus
 * scanner.
 */
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

static WCHAR program[MAX_PATH];
static const WCHAR *parameters = L"";

static void print(DWORD stream, const WCHAR *text, int length) {
  char bytes[8192];
  DWORD written;
  int size = WideCharToMultiByte(CP_UTF8, 0, text, length, bytes, sizeof bytes - 1, NULL, NULL);
  bytes[size++] = '\n';
  WriteFile(GetStdHandle(stream), bytes, size, &written, NULL);
}

static int exists(const WCHAR *path) {
  return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

static void wait_for(const WCHAR *path) {
  while (!exists(path)) Sleep(10);
}

static int make_once(const WCHAR *path) {
  HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_NEW, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 0;
  CloseHandle(file);
  return 1;
}

static int begins(const WCHAR *text, const WCHAR *with) {
  return wcsncmp(text, with, wcslen(with)) == 0;
}

/* Reads what stands between the next single quotes, with doubled ones inside; returns what follows. */
static const WCHAR *quoted(const WCHAR *at, WCHAR *into) {
  at = wcschr(at, L'\'') + 1;
  for (; *at != L'\'' || at[1] == L'\''; at++) {
    if (*at == L'\'') at++;
    *into++ = *at;
  }
  *into = 0;
  return at + 1;
}

static void beside(WCHAR *path, const WCHAR *name) {
  wcscpy(path, program);
  wcscpy(wcsrchr(path, L'\\') + 1, name);
}

static DWORD start(const WCHAR *role) {
  WCHAR line[MAX_PATH + 40];
  STARTUPINFOW with = {.cb = sizeof with};
  PROCESS_INFORMATION made;
  swprintf(line, sizeof line / sizeof *line, L"\"%ls\" %ls", program, role);
  if (!CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &with, &made)) return 0;
  return made.dwProcessId;
}

static void run_text(const WCHAR *code);

static void run_file(const WCHAR *path) {
  HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
  static char bytes[65536];
  static WCHAR text[65536];
  DWORD size = 0;
  if (file == INVALID_HANDLE_VALUE || !ReadFile(file, bytes, sizeof bytes, &size, NULL)) ExitProcess(1);
  CloseHandle(file);
  /* Without the mark PowerShell would take the file for another encoding, so the stand-in does not take it at all. */
  if (size < 3 || memcmp(bytes, "\xEF\xBB\xBF", 3) != 0) ExitProcess(99);
  text[MultiByteToWideChar(CP_UTF8, 0, bytes + 3, size - 3, text, 65535)] = 0;
  for (WCHAR *line = text; *line;) {
    WCHAR *end = line + wcscspn(line, L"\r\n");
    WCHAR *next = end + wcsspn(end, L"\r\n");
    *end = 0;
    run_text(line);
    line = next;
  }
}

/* Runs one line of a script, or the command that the agent has made. */
static void run_text(const WCHAR *code) {
  WCHAR text[4096], number[32];
  if (begins(code, L"try { $null = New-Item -ItemType File -Path ")) {
    const WCHAR *rest = quoted(code, text);
    int leaves = !make_once(text);
    if (leaves && begins(rest, L" -ErrorAction Stop } catch { if (Test-Path")) leaves = exists(text);
    rest = wcsstr(rest, L"exit ");
    if (leaves) ExitProcess(_wtoi(rest + 5));
    rest = wcschr(rest, L';');
    if (rest) run_text(rest + 2);
  } else if (begins(code, L"if (-not (Test-Path -LiteralPath ")) {
    const WCHAR *rest = quoted(code, text);
    if (!exists(text)) ExitProcess(_wtoi(wcsstr(rest, L"exit ") + 5));
  } else if (begins(code, L"try { $OutputEncoding = ")) {
    const WCHAR *rest = wcsstr(code, L"catch { }; ");
    SetConsoleOutputCP(CP_UTF8);
    run_text(rest + 11);
  } else if (begins(code, L"$ErrorActionPreference = 'Stop'; ")) {
    run_text(wcschr(code, L';') + 2);
  } else if (begins(code, L". '")) {
    static WCHAR rest[4096];
    wcscpy(rest, quoted(code, text));
    WCHAR *end = wcsstr(rest, L"; if (Test-Path variable:global:LastExitCode)");
    if (!end) ExitProcess(98);
    *end = 0;
    parameters = *rest ? rest + 1 : rest;
    run_file(text);
  } else if (begins(code, L"Write-Output $args")) {
    print(STD_OUTPUT_HANDLE, parameters, (int)wcslen(parameters));
  } else if (begins(code, L"Write-Output $PWD")) {
    print(STD_OUTPUT_HANDLE, text, (int)GetCurrentDirectoryW(4096, text));
  } else if (begins(code, L"Write-Output $env:")) {
    print(STD_OUTPUT_HANDLE, text, (int)GetEnvironmentVariableW(code + 18, text, 4096));
  } else if (begins(code, L"Write-Output '") || begins(code, L"Write-Error '")) {
    quoted(code, text);
    print(code[6] == L'O' ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE, text, (int)wcslen(text));
  } else if (begins(code, L"Wait-File '")) {
    quoted(code, text);
    wait_for(text);
  } else if (begins(code, L"Start-Child")) {
    print(STD_OUTPUT_HANDLE, number, swprintf(number, 32, L"%lu", start(L"-Forever")));
  } else if (begins(code, L"Start-Orphan")) {
    start(L"-Between");
  } else if (begins(code, L"Read-Input")) {
    char bytes[16];
    DWORD size = 0;
    ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof bytes, &size, NULL);
    print(STD_OUTPUT_HANDLE, number, swprintf(number, 32, L"%lu", size));
  } else if (begins(code, L"exit ")) {
    ExitProcess(_wtoi(code + 5));
  }
}

int main(void) {
  const WCHAR *line = GetCommandLineW();
  WCHAR path[MAX_PATH], number[32];
  GetModuleFileNameW(NULL, program, MAX_PATH);
  if (wcsstr(line, L"\" -Forever")) Sleep(INFINITE);
  if (wcsstr(line, L"\" -Between")) {
    print(STD_OUTPUT_HANDLE, number, swprintf(number, 32, L"%lu", start(L"-Forever")));
    return 0;
  }
  beside(path, L"hold");
  if (exists(path)) {
    beside(path, L"held");
    make_once(path);
    beside(path, L"go");
    wait_for(path);
  }
  static const WCHAR switches[] =
      L" -NonInteractive -NoProfile -NoLogo -ExecutionPolicy Unrestricted -Command \"";
  const WCHAR *command = wcsstr(line, switches);
  static WCHAR text[32768];
  if (!command) return 97;
  wcscpy(text, command + wcslen(switches));
  WCHAR *end = wcsrchr(text, L'"');
  if (!end || end[1]) return 96;
  *end = 0;
  run_text(text);
  return 0;
}
