"""Titles of the shop's products, in the languages of many encodings."""
# ruff: noqa: E501, RUF001

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["TITLES"]

_TITLES: Mapping[str, tuple[str, ...]] = {
    "western": (
        "Größe M – Übergröße", "Crème brûlée, façon grand-mère", 'Fernseher 55" schwarz',
        "Señorita | piñata", "Ærø stol; grå", "Chaise „Élysée“", "Weißes Kleid für Mädchen",
        "Caffè già pronto", "Käse & Brötchen", "Pão de açúcar", "Smörgåsbord", "Prix: 100 % coton",
    ),
    "central": (
        "Żółta sukienka, długa", "Krzesło dębowe „Łódź”", "Dětská čepice – růžová", "Kuchyňský stůl",
        "Męskie buty skórzane", "Świąteczny prezent; duży", "Přikrývka s potiskem", "Błękitna bluzka",
        "Nůžky na živý plot", "Piękny wazon", "Hűtőszekrény fehér", "Źródło światła LED",
    ),
    "cyrillic": (
        "Красное платье, летнее", "Кухонный стол", "Мужские ботинки; кожа", "Детская шапка",
        "Синяя рубашка", "Большая кружка", "Настольная лампа", "Зимняя куртка – пуховик",
        "Диван угловой", "Полотенце банное", "Чайник электрический", "Кресло офисное",
    ),
    "greek": (
        "Κόκκινο φόρεμα, μακρύ", "Τραπέζι κουζίνας", "Ανδρικά παπούτσια", "Παιδικό καπέλο",
        "Μπλε πουκάμισο", "Μεγάλη κούπα", "Φωτιστικό γραφείου", "Χειμωνιάτικο μπουφάν",
        "Γωνιακός καναπές", "Πετσέτα μπάνιου", "Ηλεκτρικός βραστήρας", "Καρέκλα γραφείου",
    ),
    "turkish": (
        "Kırmızı elbise, uzun", "Mutfak masası", "Erkek ayakkabısı", "Çocuk şapkası",
        "Açık mavi gömlek", "Büyük kupa – ışıklı", "Masa lambası", "Kışlık mont; siyah",
        "Köşe koltuk takımı", "Banyo havlusu yeşil", "Elektrikli su ısıtıcı", "Ofis sandalyesi gri",
    ),
    "baltic": (
        "Žalia suknelė, ilga", "Virtuvės stalas", "Vyriški odiniai batai", "Vaikiška kepurė – šilta",
        "Mėlyni marškiniai", "Didelis puodelis", "Stalinė lempa šviesi", "Žieminė striukė; juoda",
        "Kampinė sofa", "Vonios rankšluostis", "Elektrinis virdulys žalias", "Biuro kėdė pilka",
    ),
    "japanese": (
        "赤いドレス、夏用", "キッチンテーブル", "メンズ革靴", "子供用の帽子", "青いシャツ", "大きなマグカップ",
        "デスクライト", "冬用ジャケット", "コーナーソファ", "バスタオル", "電気ケトル", "オフィスチェア",
    ),
    "chinese": (
        "红色连衣裙，夏季", "厨房餐桌", "男士皮鞋", "儿童帽子", "蓝色衬衫", "大号马克杯",
        "台灯", "冬季羽绒服", "转角沙发", "浴巾", "电热水壶", "办公椅",
    ),
    "taiwanese": (
        "紅色連衣裙，夏季", "廚房餐桌", "男士皮鞋", "兒童帽子", "藍色襯衫", "大號馬克杯",
        "檯燈", "冬季羽絨服", "轉角沙發", "浴巾", "電熱水壺", "辦公椅",
    ),
    "korean": (
        "빨간 원피스, 여름용", "주방 식탁", "남성 가죽 구두", "어린이 모자", "파란 셔츠", "큰 머그컵",
        "책상 스탠드", "겨울 재킷", "코너 소파", "목욕 수건", "전기 주전자", "사무용 의자",
    ),
}  # fmt: skip
# Of marks that the older standards lack.
_PLAIN = str.maketrans("–„”“", "-'''")
TITLES = {
    **_TITLES,
    **{
        f"{name} plain": tuple(title.translate(_PLAIN) for title in titles)
        for name, titles in _TITLES.items()
    },
}
"""Twelve titles a language; those of `plain` languages have ASCII dashes and quotes."""
