"""What happened, in tables: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.audit import TITLES
from deploy.demo.plan.minimums import REQUIRED_REFUSALS, minimums
from deploy.demo.report import Report

REJECTED_SHOWN = 12

HAPPENED = {
    "volunteers": "志愿者 · volunteers",
    "activities": "活动 · activities",
    "shifts": "班次 · shifts",
    "sign_ups": "报名 · sign-ups",
    "sign_ups_refused": "被拒的报名 · sign-ups refused",
    "attendances": "签到 · attendances",
    "services_confirmed": "确认的服务 · services confirmed",
    "services_corrected": "更正的服务 · services corrected",
    "minutes": "服务分钟 · minutes of service",
    "points_earned_hundredths": "获得积分 · points earned",
    "merchants": "商家 · merchants",
    "talents": "达人 · talents",
    "orders": "兑换订单 · orders",
    "orders_refused": "被拒的兑换 · orders refused",
    "orders_cancelled": "取消的订单 · orders cancelled",
    "vouchers_used": "核销的凭证 · vouchers used",
    "vouchers_refused_second_time": "再次出示被拒 · vouchers refused a second time",
    "postings": "账册分录 · postings in the book",
    "events_told": "事件 · events told",
    "dead_letters": "死信 · dead letters",
    "alarms": "警报 · alarms",
}
LATENCIES = {
    "order_to_voucher": "下单到凭证 · order to voucher",
    "confirm_to_points": "确认到积分 · confirmation to points",
}


def show(console: Console, report: Report, refused: Mapping[str, int]) -> None:
    """Print the tables of the day."""
    console.print(_happened(report))
    imported = report["import"]
    if imported["rows"]:
        console.print(
            f"导入 {imported['rows']} 行，发布 {imported['published']}，"
            f"退回 {len(imported['rejected'])} · rows imported, published, rejected"
        )
    if imported["rejected"]:
        console.print(_import(imported))
    console.print(_refusals(refused))
    console.print(_latencies(report["latency_ms"]))
    console.print(_audit(report["audit"]))


def show_settlement(console: Console, lines: Sequence[tuple[str, Sequence[int]]]) -> None:
    """Print the merchants with most settlement lines."""
    table = _table(
        "结算 · Settlement, the busiest", "商家 · merchant", "笔 · lines", "积分 · points"
    )
    for name, amounts in sorted(lines, key=lambda line: (-sum(line[1]), line[0]))[:8]:
        table.add_row(name, str(len(amounts)), points(sum(amounts)))
    everything = [amount for _, amounts in lines for amount in amounts]
    table.add_section()
    table.add_row("全部 · all", str(len(everything)), points(sum(everything)))
    console.print(table)


def points(hundredths: int) -> str:
    """Return points with two decimals."""
    return f"{hundredths / 100:,.2f}"


def _happened(report: Report) -> Table:
    table = _table("天元区的一天 · Tianyuan's day", "", "数量 · how many", "至少 · at least")
    least = minimums(report["volunteers"])
    for name, title in HAPPENED.items():
        value = report[name]
        shown = points(value) if name.endswith("_hundredths") else f"{value:,}"
        table.add_row(title, shown, str(least.get(name, "")))
    return table


def _import(imported: Mapping[str, Any]) -> Table:
    table = _table("导入时退回 · Rejected at import", "行 · line", "原因 · reason")
    for row in imported["rejected"][:REJECTED_SHOWN]:
        table.add_row(str(row["line"]), row["reason"])
    if len(imported["rejected"]) > REJECTED_SHOWN:
        table.add_row("…", "report.json 有全部 · report.json has all")
    return table


def _refusals(refused: Mapping[str, int]) -> Table:
    table = _table("被拒绝 · Refused", "", "代码 · code", "次数 · times")
    for code, title in REQUIRED_REFUSALS.items():
        table.add_row(title, code, str(refused.get(code, 0)))
    for code in sorted(refused.keys() - REQUIRED_REFUSALS.keys()):
        table.add_row("", code, str(refused[code]))
    return table


def _latencies(latencies: Mapping[str, Mapping[str, Any]]) -> Table:
    table = _table("等待，毫秒 · Waits, ms", "", "p50", "p99")
    for name, title in LATENCIES.items():
        table.add_row(title, str(latencies[name]["p50"]), str(latencies[name]["p99"]))
    return table


def _audit(audit: Mapping[str, Any]) -> Table:
    table = _table("审计 · Audit", "", "检查 · looked at", "成立 · holds")
    for invariant in audit["invariants"]:
        holds = "[green]✓[/]" if invariant["holds"] else "[red]✗[/]"
        title = " · ".join(TITLES[invariant["name"]])
        table.add_row(title, f"{invariant['checked']:,}", holds)
    return table


def _table(title: str, first: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for number in numbers:
        table.add_column(number, justify="right")
    return table
