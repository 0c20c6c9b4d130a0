package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"promfleet"
)

// The locale is found as POSIX has it, and is Chinese where it is that of mainland
// China or of simplified characters.
func TestLanguageOf(t *testing.T) {
	for _, tc := range []struct {
		all, messages, lang string
		chinese             bool
	}{
		{"", "", "", false},
		{"", "", "zh_CN.UTF-8", true},
		{"", "", "zh", true},
		{"", "", "zh.UTF-8", true},
		{"", "", "zh_Hans_CN.UTF-8", true},
		{"", "", "zh-Hans-SG", true},
		{"", "", "zh-CN", true},
		{"", "", "zh_CN.UTF-8@pinyin", true},
		{"", "", "zh_CN@pinyin", true},
		{"", "", "zh_TW.UTF-8", false},
		{"", "", "zh_Hant", false},
		{"", "", "zha_CN", false},
		{"", "", "en_US.UTF-8", false},
		{"", "zh_CN.UTF-8", "en_US.UTF-8", true},
		{"", "C", "zh_CN.UTF-8", false},
		{"C", "zh_CN.UTF-8", "zh_CN.UTF-8", false},
		{"zh_CN.UTF-8", "C", "C", true},
	} {
		env := map[string]string{"LC_ALL": tc.all, "LC_MESSAGES": tc.messages, "LANG": tc.lang}
		if got := languageOf(func(name string) string { return env[name] }) != nil; got != tc.chinese {
			t.Errorf("%v: %v", env, got)
		}
	}
}

// What the parser of the command line says is known by its words: each must still
// be what it says.
func TestParsingIsChinese(t *testing.T) {
	cases := map[string]struct{ line, want string }{
		"unknown long flag '%s'":                 {"node list --nosuch", "未知的选项 '--nosuch'；提示：promfleet node list --help 显示可用的选项和参数"},
		"unknown short flag '%s'":                {"-Z", "未知的短选项 '-Z'；提示：promfleet --help 显示可用的选项和参数"},
		"expected argument for flag '%s'":        {"node list --limit", "选项 '--limit' 需要一个值；提示：promfleet node list --help 显示可用的选项和参数"},
		"flag '%s' cannot be repeated":           {"node list --limit 1 --limit 2", "选项 'limit' 不能重复；提示：promfleet node list --help 显示可用的选项和参数"},
		"required flag(s) %s not provided":       {"tag create", "缺少必需的选项：'--name'；提示：promfleet tag create --help 显示可用的选项和参数"},
		"required argument '%s' not provided":    {"node get", "缺少必需的参数 'id'；提示：promfleet node get --help 显示可用的选项和参数"},
		"expected command but got %q":            {"nosuch", `不是命令："nosuch"；提示：promfleet --help 显示可用的选项和参数`},
		"must select a subcommand of '%s'":       {"node", "必须选择 'node' 的一个子命令；提示：promfleet node --help 显示可用的选项和参数"},
		"unexpected %s":                          {"status extra", "多余的参数 extra；提示：promfleet status --help 显示可用的选项和参数"},
		"enum value must be one of %s, got '%s'": {"whoami -o xml", `--output "xml"：必须是 table,wide,json,yaml 之一，而不是 'xml'；提示：promfleet whoami --help 显示可用的选项和参数`},
	}
	for format := range zhParsing {
		tc, ok := cases[format]
		if !ok {
			t.Errorf("no case for %q", format)
			continue
		}
		var said strings.Builder
		code := run(t.Context(), chinese(), strings.Fields(tc.line), strings.NewReader(""), io.Discard, &said)
		if code != exitFailed || said.String() != "promfleet: "+tc.want+"\n" {
			t.Errorf("%s: %d %q, want %q", tc.line, code, said.String(), tc.want)
		}
	}
}

// An error is Chinese as far as it is the command line's own, however it is wrapped.
func TestErrorsAreChinese(t *testing.T) {
	server := &promfleet.Error{Code: promfleet.NotFound, Message: "there is no tag 7"}
	own := errorf("node %s: %w", "n1", errorf("read the targets: %w", server))
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&callError{err: server}, "there is no tag 7；提示：list 显示现有的，list --deleted 显示已删除的"},
		{&callError{err: own}, "节点 n1：读取目标：there is no tag 7；提示：list 显示现有的，list --deleted 显示已删除的"},
		{&callError{err: server, forgets: true}, "there is no tag 7；提示：list 显示现有的"},
		{&answerNo{errors.Join(own, server)}, "节点 n1：读取目标：there is no tag 7 there is no tag 7"},
		{&callError{err: &promfleet.Error{Code: promfleet.NotFound, Message: "gone; hint: look elsewhere"}}, "gone; hint: look elsewhere"},
		{errorf("%s %s: nothing to change is given; hint: promfleet %s update --help shows what can be", noun("tag"), "7", "tag"),
			"标签 7：没有给出要更改的内容；提示：promfleet tag update --help 显示可更改的内容"},
		{fmt.Errorf("enum value must be one of %s, got '%s'", "a,b", "c"), "enum value must be one of a,b, got 'c'"}, // not the parser's
	} {
		var said strings.Builder
		if report(t.Context(), chinese(), &said, tc.err); said.String() != "promfleet: "+tc.want+"\n" {
			t.Errorf("%q, want %q", said.String(), tc.want)
		}
		if got := language(nil).ofError(tc.err); got != tc.err.Error() || han.MatchString(got) {
			t.Errorf("in English %q", got)
		}
	}
	if !errors.Is(own, server) || promfleet.ErrorCode(own) != promfleet.NotFound {
		t.Error("the cause is lost")
	}
}

// Lines break where Chinese ones may, by their widths.
func TestWrapped(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"节点的标签", 6, []string{"节点的", "标签"}},
		{"节点的标签", 7, []string{"节点的", "标签"}},
		{"节点的。标签", 6, []string{"节点", "的。标", "签"}},
		{"写入（文件）", 6, []string{"写入", "（文", "件）"}},
		{"用 --output 写", 10, []string{"用", "--output", "写"}},
		{"用 --output 写", 11, []string{"用 --output", "写"}},
		{"a-very-long-name是", 4, []string{"a-very-long-name", "是"}},
	} {
		if got := wrapped(tc.text, tc.width); !slices.Equal(got, tc.want) {
			t.Errorf("%q in %d: %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}
