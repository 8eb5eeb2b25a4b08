"""What the rarer functions come to; the figures are those that Google's help gives, or follow from sums."""

import pytest


@pytest.fixture
def figures(book):
    book.put("A1", [[1, 2], [3, 4], [5, 9], ["x", ""]])
    return book


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=ROUND(FV(0.05,10,-100),2)", "1257.79"),
        ("=ROUND(FV(0,10,-100,-50),2)", "1050"),
        ("=ROUND(PV(0.05,10,-100),2)", "772.17"),
        ("=ROUND(NPER(0.05,-100,772.173493),4)", "10"),
        ("=ROUND(NPV(0.1,1,2,3),4)", "4.8159"),
        ("=ROUND(IRR({-100,60,60}),4)", "0.1307"),
        ("=IRR({1,2})", "#NUM!"),
        ('=YEARFRAC("2024-01-01","2024-07-01")', "0.5"),
        ('=ROUND(YEARFRAC("2024-01-01","2024-07-01",1),4)', "0.4973"),
        ('=DAYS360("2024-01-31","2024-03-31")', "60"),
        ("=PERCENTRANK({1;2;3;4;5},3)", "0.5"),
        ("=PERCENTRANK({1;2;3},9)", "#N/A"),
        ("=AVERAGE.WEIGHTED(A1:A3,B1:B3)", "3.933333333"),
        ("=SLOPE(B1:B3,A1:A3)&INTERCEPT({1;2},{1;2})", "1.750"),
        ("=FORECAST(4,{2;4;6},{1;2;3})", "8"),
        ("=SUBTOTAL(9,A1:A3)&SUBTOTAL(101,A1:A3)", "93"),
        ("=SUBTOTAL(12,A1:A3)", "#VALUE!"),
        ('=ADDRESS(1,2)&ADDRESS(3,28,4)&ADDRESS(1,1,2,TRUE,"My tab")', "$B$1AB3'My tab'!A$1"),
        ("=ROMAN(14)&ROMAN(1999)", "XIVMCMXCIX"),
        ("=BASE(10,2,6)&DEC2HEX(255)", "001010FF"),
        ('=HEX2DEC("ff")+DECIMAL("z",36)', "290"),
        ('=HEX2DEC("xy")', "#NUM!"),
        ("=FIXED(1234.567)&FIXED(3.14159,3,TRUE)", "1,234.573.142"),
        ("=DOLLAR(-3.5)", "-$3.50"),
        ("=ERROR.TYPE(1/0)&ERROR.TYPE(NA())", "27"),
        ("=ERROR.TYPE(1)", "#N/A"),
        ('=TYPE(1)&TYPE("a")&TYPE(TRUE)&TYPE(1/0)&TYPE({1,2})', "1241664"),
        ("=ISERR(1/0)&ISERR(NA())&ISERR(1)", "TRUEFALSEFALSE"),
        ('=ISDATE("2024-01-01")&ISDATE("soon")', "TRUEFALSE"),
        ('=ISEMAIL("a@b.example")&ISEMAIL("a@b")', "TRUEFALSE"),
        ('=ISURL("https://a.example/x")&ISURL("a")', "TRUEFALSE"),
        ("=TO_TEXT(3)&1", "31"),
        ("=GCD(12,18)&LCM(4,6)", "612"),
        ("=FACT(5)&COMBIN(5,2)&PERMUT(5,2)", "1201020"),
        ("=FACT(171)", "#NUM!"),
        ("=EVEN(3)&ODD(2)&EVEN(-1.5)&ODD(0)", "43-21"),
        ('=COUNTUNIQUE(A1:A3,1,"X",A4)', "4"),
        ("=XMATCH(5,A1:A3)", "3"),
        ("=ROUND(SIN(PI()/2)+COS(0),6)", "2"),
        ("=ACOS(2)", "#NUM!"),
        ("=DEGREES(PI())", "180"),
        ('=UNICHAR(8364)&UNICODE("€")', "€8364"),
        ("=ROW(A7)&COLUMN(C1:D2)", "73"),
        ("=ROW()&COLUMN()", "9926"),
        ("=SUMPRODUCT((ROW(A1:A3)-1)*A1:A3)", "13"),
        ("=FV()", "#N/A"),
    ],
)
def test_a_rarer_function_comes_to(figures, formula, shown):
    assert figures.shown(formula) == shown


def test_a_number_typed_with_an_exponent_shows_one(book):
    book.put("A1", [["1e3", "-2.5E-7"]], "USER_ENTERED")
    assert book.values("A1:B1") == [["1.00E+03", "-2.50E-07"]]
    assert book.values("A1:B1", valueRenderOption="UNFORMATTED_VALUE") == [[1000, -2.5e-07]]
